import test from 'ava'
import { unlessBusy } from '../../src/domain/unless-busy.ts'

test('An action is not started again before it has ended, and is afterwards.', async t => {
  const ends: (() => void)[] = []
  const start = unlessBusy(() => new Promise(resolve => ends.push(resolve)))
  start()
  start()
  t.is(ends.length, 1)
  ends[0]!()
  await new Promise(setImmediate)
  start()
  t.is(ends.length, 2)
})
