import test from 'ava'
import { logTunables } from '../../../config/tracker.ts'
import { speaksForAll } from '../../../src/actors/tracker/log-leadership.ts'

const ms = 1e6
const soon = { active: 600 * ms }
const longAgo = { active: (logTunables.leaderHeardWithinMs + 1) * ms }
const never = { active: 0 }

test('A leader that has recently heard from a majority is believed.', t => {
  t.true(speaksForAll({ leader: 'n1', replicas: [soon, soon] }, 3))
  t.true(speaksForAll({ leader: 'n1', replicas: [longAgo, soon] }, 3))
})

test('A stalled or isolated leader is not believed, and without a leader no broker is.', t => {
  t.false(speaksForAll({ leader: 'n1', replicas: [longAgo, longAgo] }, 3))
  t.false(speaksForAll({ leader: 'n1', replicas: [never, never] }, 3))
  t.false(speaksForAll({ replicas: [never, soon, soon] }, 3))
  t.false(speaksForAll(undefined, 3))
})

test('A broker that runs alone is believed.', t => t.true(speaksForAll(undefined, 1)))
