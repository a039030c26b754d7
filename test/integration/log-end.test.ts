// The end of the log decides what is refused, which sequences cannot exist yet, and which projections are discarded.

import test from 'ava'
import { LogUnavailable, openEventLog } from '../../src/actors/tracker/event-log.ts'
import { clusterStatus } from '../../src/cluster/cluster.ts'
import { connectOperator } from '../../src/cluster/operator.ts'
import { startCluster } from '../helpers/cluster.ts'

test('Without a majority no broker is believed about the end of the log, however long it takes.', async t => {
  const cluster = await startCluster(t, { trackers: 1 })
  const nodes = await clusterStatus(cluster.folder)
  const leader = nodes.find(node => node.leader)!
  const others = nodes.filter(({ kind, node }) => kind === 'broker' && node !== leader.node)
  const connection = await connectOperator([`nats://${leader.address}`], cluster.secrets)
  t.teardown(() => connection.close())
  const log = await openEventLog(connection, 3)
  await t.notThrowsAsync(log.end())
  for (const { pid } of others) process.kill(pid!, 'SIGSTOP')
  t.teardown(() => {
    for (const { pid } of others) process.kill(pid!, 'SIGCONT')
  })
  // For the first seconds the leader may still be the only one; after 10 it steps down, and answers for itself.
  const goneAt = performance.now()
  let unavailable = 0
  while (performance.now() - goneAt < 12_000) {
    const askedMs = performance.now() - goneAt
    const said = await log.end().catch((error: unknown) => error)
    if (askedMs > 4_000) t.true(said instanceof LogUnavailable, `after ${askedMs} ms: ${JSON.stringify(said)}`)
    if (said instanceof LogUnavailable) unavailable++
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  t.true(unavailable > 0)
})
