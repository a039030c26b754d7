// A request is repeated until it is answered, so several copies may be under way. A copy that arrives after its client was
// answered, because its tracker or a broker stood still, must have no effect.

import test from 'ava'
import { requestTunables } from '../../config/client.ts'
import { clusterStatus } from '../../src/cluster/cluster.ts'
import { startCluster } from '../helpers/cluster.ts'
import { statusesAtOneSequence } from '../helpers/equal-trackers.ts'
import { person } from '../helpers/person.ts'

test('A refused request does not take effect later, when the stalled tracker with the first copy continues.', async t => {
  const cluster = await startCluster(t, { brokers: 1, trackers: 2 })
  const ann = await person(t, cluster.servers, 'ann')
  const bob = await person(t, cluster.servers, 'bob')
  t.true((await ann.trackers.ask('group.create', { group: 'reef' })).ok)
  await statusesAtOneSequence(ann.trackers, ['t1', 't2'])

  const nodes = await clusterStatus(cluster.folder)
  const pid = nodes.find(({ node }) => node === 't1')!.pid!
  process.kill(pid, 'SIGSTOP')
  t.teardown(() => process.kill(pid, 'SIGCONT'))
  // Until one goes to the tracker that stands still first, and is refused by the other one.
  for (let tookMs = 0; tookMs < requestTunables.repeatAfterMs; ) {
    const askedAt = performance.now()
    const refused = await ann.trackers.ask('group.accept', { group: 'reef', user: 'bob' })
    tookMs = performance.now() - askedAt
    t.like(refused, { ok: false, code: 'no-such-request' })
  }
  // What bob asks for may have to be asked again, too.
  t.true((await bob.trackers.ask('group.join', { group: 'reef' })).ok)
  process.kill(pid, 'SIGCONT')
  await statusesAtOneSequence(ann.trackers, ['t1', 't2'])
  // Each of these goes to either tracker, after whatever it had waiting.
  for (let look = 0; look < 20; look++) {
    const members = await ann.trackers.ask('group.members', { group: 'reef' })
    t.deepEqual(members.ok && members.value.map(({ user }) => user), ['ann'])
  }
})
