import test from 'ava'
import { logTunables } from '../../../config/tracker.ts'
import { speaksForAll } from '../../../src/actors/tracker/log-leadership.ts'

const ms = 1e6
const soon = { active: 600 * ms }
const longAgo = { active: (logTunables.leaderHeardWithinMs + 1) * ms }
const never = { active: 0 }

test('A leader speaks for all once it heard a majority lately.', t => {
  t.true(speaksForAll({ leader: 'n1', replicas: [soon, soon] }, 3))
  t.true(speaksForAll({ leader: 'n1', replicas: [longAgo, soon] }, 3))
})

test('One that stood still or is cut off does not, whatever it thinks; nor does anybody when there is no leader.', t => {
  t.false(speaksForAll({ leader: 'n1', replicas: [longAgo, longAgo] }, 3))
  t.false(speaksForAll({ leader: 'n1', replicas: [never, never] }, 3))
  t.false(speaksForAll({ replicas: [never, soon, soon] }, 3))
  t.false(speaksForAll(undefined, 3))
})

test('A broker that is alone speaks for itself.', t => t.true(speaksForAll(undefined, 1)))
