import test from 'ava'
import { checkEveryMs, IdleWatch } from '../../../src/actors/swarm/idle-watch.ts'

const idleAfterMs = 1_000
const checks = idleAfterMs / checkEveryMs(idleAfterMs)

test('A peer is idle only once every check within its time has found no progress.', t => {
  const watch = new IdleWatch()
  for (let count = 0; count < checks; count += 1) t.false(watch.check())
  t.true(watch.check())
})

test('A peer that does something in time is never idle.', t => {
  const watch = new IdleWatch()
  for (let count = 0; count < 10 * checks; count += 1) {
    if (count % checks === 0) watch.restart()
    t.false(watch.check())
  }
})
