import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import test from 'ava'
import type { BrokerNode } from '../../src/cluster/cluster-plan.ts'
import { healthOf } from '../../src/cluster/monitoring.ts'

const brokerAt = (monitor: number): BrokerNode => ({
  kind: 'broker',
  name: 'n1',
  folder: '/nowhere',
  ports: { client: 1, route: 2, websocket: 3, monitor },
})

/** Answers as a broker does, which leads two others. */
const startMonitor = async (port: number, health = 200): Promise<Server> => {
  const server = createServer((request, response) => {
    const isHealth = request.url!.startsWith('/healthz')
    response.writeHead(isHealth ? health : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(isHealth ? { status: 'ok' } : { meta_cluster: { leader: 'n1' } }))
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return server
}

const leads = { up: true, hasQuorum: true, leads: true }
const down = { up: false, hasQuorum: false, leads: false }

test('a broker is seen on a port that browsers refuse, too', async t => {
  // The list: https://fetch.spec.whatwg.org/#port-blocking. Whichever of these another program does not have.
  for (const port of [10080, 6697, 6669, 6668, 6667, 6666]) {
    const server = await startMonitor(port).catch(() => undefined)
    if (!server) continue
    t.teardown(() => server.close())
    return t.deepEqual(await healthOf(brokerAt(port)), leads)
  }
  t.fail('every one of the ports is taken')
})

test('a broker that says it is not well, and one that is not there, are not up', async t => {
  const server = await startMonitor(0, 503)
  const { port } = server.address() as { port: number }
  t.deepEqual(await healthOf(brokerAt(port)), down)
  server.close()
  await once(server, 'close')
  t.deepEqual(await healthOf(brokerAt(port)), down)
})
