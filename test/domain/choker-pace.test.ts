import test from 'ava'
import { ChokerPace } from '../../src/domain/choker-pace.ts'

test('The first measurement counts fully, and later ones move the estimate by a fraction of the difference.', t => {
  const pace = new ChokerPace()
  t.is(pace.servingMs, 0)
  pace.served(100)
  t.is(pace.servingMs, 100)
  pace.served(200)
  t.is(pace.servingMs, 120)
})

test('The number of pieces that begin while a peer answers follows from both times.', t => {
  const pace = new ChokerPace()
  pace.answered(300)
  t.is(pace.startsPerAnswer, 0)
  pace.started(1_000, true)
  pace.started(1_100, true)
  t.is(pace.startsPerAnswer, 3)
})

test('The time between pieces does not count while no peer waits.', t => {
  const pace = new ChokerPace()
  pace.answered(300)
  pace.started(0, true)
  pace.started(5_000, false)
  pace.started(9_000, true)
  t.is(pace.startsPerAnswer, 0)
  pace.started(9_100, true)
  t.is(pace.startsPerAnswer, 3)
})
