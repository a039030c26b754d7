import test from 'ava'
import { backOffMs, withJitter } from '../../src/domain/back-off.ts'

const backOff = { firstMs: 100, mostMs: 1_000 }

test('Waits double with each failure in a row, up to the longest.', t => {
  t.deepEqual(
    [1, 2, 3, 4, 5, 6, 2_000].map(failures => backOffMs(backOff, failures)),
    [100, 200, 400, 800, 1_000, 1_000, 1_000],
  )
})

test('Without a failure there is no wait.', t => {
  t.is(backOffMs(backOff, 0), 0)
})

test('Jitter keeps a wait in its upper half.', t => {
  t.is(
    withJitter(200, () => 0),
    100,
  )
  t.is(
    withJitter(200, () => 0.5),
    150,
  )
})
