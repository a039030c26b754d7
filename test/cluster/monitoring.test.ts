import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import test, { type ExecutionContext } from 'ava'
import type { BrokerNode } from '../../src/cluster/cluster-plan.ts'
import { healthOf, statsOfBroker } from '../../src/cluster/monitoring.ts'

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

test('A broker is also found on a port that browsers refuse.', async t => {
  // The list: https://fetch.spec.whatwg.org/#port-blocking. Whichever of these another program does not have.
  for (const port of [10080, 6697, 6669, 6668, 6667, 6666]) {
    const server = await startMonitor(port).catch(() => undefined)
    if (!server) continue
    t.teardown(() => server.close())
    return t.deepEqual(await healthOf(brokerAt(port)), leads)
  }
  t.fail('every one of the ports is taken')
})

test('A broker that reports itself unhealthy, or does not answer, is not up.', async t => {
  const server = await startMonitor(0, 503)
  const { port } = server.address() as { port: number }
  t.deepEqual(await healthOf(brokerAt(port)), down)
  server.close()
  await once(server, 'close')
  t.deepEqual(await healthOf(brokerAt(port)), down)
})

const variables = {
  start: '2026-01-02T03:04:05.123456789Z',
  now: '2026-01-02T03:05:05.123456789Z',
  mem: 1_000,
  connections: 4,
  in_msgs: 1,
  out_msgs: 2,
  in_bytes: 30,
  out_bytes: 40,
}
const replicas = [
  { name: 'n2', current: true, lag: 3 },
  { name: 'n3', current: false, offline: true, lag: 9 },
  { name: 'n4' },
]

async function startLoaded(t: ExecutionContext, varz: object, leader: string): Promise<BrokerNode> {
  const streams = [{ name: 'SHOAL', cluster: { leader, replicas } }]
  const server = createServer((request, response) => {
    const isVariables = request.url!.startsWith('/varz')
    response.end(JSON.stringify(isVariables ? varz : { account_details: [{ stream_detail: streams }] }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return brokerAt((server.address() as { port: number }).port)
}

test('A broker reports its load; the log’s leader reports how far the others are behind.', async t => {
  const { load } = await statsOfBroker(await startLoaded(t, variables, 'n1'))
  t.like(load, { memoryBytes: 1_000, connections: 4, messages: 3, bytes: 70 })
  t.is(load!.at - load!.startedAt, 60_000)
  t.deepEqual(
    [...load!.lags],
    [
      ['n1', 0],
      ['n2', 3],
      ['n3', null],
      ['n4', 0],
    ],
  )
  t.is((await statsOfBroker(await startLoaded(t, variables, 'n2'))).load!.lags.size, 0)
})

test('A broker that does not report its load has none.', async t => {
  t.is((await statsOfBroker(await startLoaded(t, { ...variables, mem: 'much' }, 'n1'))).load, undefined)
  t.is((await statsOfBroker(await startLoaded(t, {}, 'n1'))).load, undefined)
})
