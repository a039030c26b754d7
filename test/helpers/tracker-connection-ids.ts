// Which connections trackers have, as the brokers number them. It changes when a broker cuts one off, even for an instant.

import type { ExecutionContext } from 'ava'
import { connectTracker } from '../../src/actors/tracker/tracker-connections.ts'
import type { TestCluster } from './cluster.ts'

/** Of t1, t2 …, in a fixed order. */
export async function watchTrackerConnections(
  t: Pick<ExecutionContext, 'teardown'>,
  { servers, secrets }: Pick<TestCluster, 'servers' | 'secrets'>,
): Promise<() => Promise<string[]>> {
  const { sys, close } = await connectTracker('watching', servers, secrets)
  t.teardown(close)
  return async () => {
    const found: string[] = []
    const answers = await sys.requestMany('$SYS.REQ.SERVER.PING.CONNZ', JSON.stringify({ limit: 1_000 }), {
      strategy: 'count',
      maxMessages: servers.length,
      maxWait: 5_000,
    })
    for await (const answer of answers) {
      const { server, data } = answer.json<{
        server: { name: string }
        data: { connections: { cid: number; name?: string }[] }
      }>()
      for (const { cid, name = '' } of data.connections)
        if (/^tracker t\d/.test(name)) found.push(`${name} ${server.name} ${cid}`)
    }
    return found.sort()
  }
}
