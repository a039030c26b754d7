import { execFile } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import anyTest, { type TestFn } from 'ava'
import { connect, errors } from 'nats'
import { clusterDown, clusterStatus, clusterUp, type NodeStatus } from '../../src/cluster/cluster.ts'
import { brokersOf, defaultPlan } from '../../src/cluster/cluster-plan.ts'
import { firstTakenPort } from '../../src/cluster/free-port.ts'
import { monitorPathOf } from '../../src/cluster/monitor-path.ts'
import { startCluster, type TestCluster } from '../helpers/cluster.ts'
import { tempFolder } from '../helpers/temp-folder.ts'
import { until } from '../helpers/until.ts'
import { withShared } from '../helpers/with-shared.ts'

/** Each test leaves them as it found them, but the last one. */
interface Clusters {
  /** Three brokers and two trackers. */
  readonly whole: TestCluster
  /** One of each. */
  readonly small: TestCluster
  /** One broker alone. */
  readonly bare: TestCluster
}
const test = withShared(anyTest.serial as TestFn<Clusters>, async t => {
  const [whole, small, bare] = await Promise.all([
    startCluster(t),
    startCluster(t, { brokers: 1, trackers: 1 }),
    startCluster(t, { brokers: 1, trackers: 0 }),
  ])
  return { whole, small, bare }
})

const find = (nodes: readonly NodeStatus[], name: string) => nodes.find(({ node }) => node === name)!
const running = (nodes: readonly NodeStatus[]) =>
  nodes.filter(({ state }) => state === 'running').map(({ node }) => node)

test('Three brokers and two trackers start, one broker leads, and a second up changes nothing.', async t => {
  const cluster = t.context.whole
  const nodes = await clusterStatus(cluster.folder)
  t.deepEqual(running(nodes), ['n1', 'n2', 'n3', 't1', 't2'])
  t.is(nodes.filter(({ leader }) => leader).length, 1)
  t.true(nodes.every(({ kind, leader }) => kind === 'broker' || !leader))
  const pids = (of: readonly NodeStatus[]) => of.map(({ pid }) => pid)
  const again = await clusterUp({ folder: cluster.folder })
  t.deepEqual(pids(again.nodes), pids(nodes))
  t.deepEqual(again.servers, cluster.servers)
})

test('Two commands that bring one cluster up at once start each node once.', async t => {
  const { folder, port } = t.context.small
  await clusterDown(folder)
  const both = await Promise.all([clusterUp({ folder }), clusterUp({ folder, port })])
  const pids = both.map(({ nodes }) => nodes.map(({ pid }) => pid))
  t.deepEqual(pids[0], pids[1])
  await clusterDown(folder)
  t.is(await firstTakenPort('127.0.0.1', [port]), undefined)
  await clusterUp({ folder })
})

test('A killed or stopped node is reported as such and comes back, and the others are left alone.', async t => {
  const cluster = t.context.whole
  const before = await clusterStatus(cluster.folder)
  for (const [node, end] of [
    ['t1', cluster.kill],
    ['n2', cluster.kill],
    ['t2', cluster.stop],
    ['n3', cluster.stop],
  ] as const) {
    await end(node)
    t.is(find(await clusterStatus(cluster.folder), node).state, 'stopped')
    await end(node)
    await cluster.start(node)
    await cluster.start(node)
    t.is(find(await clusterStatus(cluster.folder), node).state, 'running')
  }
  const after = await clusterStatus(cluster.folder)
  t.is(find(after, 'n1').pid, find(before, 'n1').pid)
  t.not(find(after, 'n2').pid, find(before, 'n2').pid)
})

test('Down stops the whole cluster and keeps its data.', async t => {
  const cluster = t.context.small
  await clusterDown(cluster.folder)
  t.deepEqual(running(await clusterStatus(cluster.folder)), [])
  await clusterDown(cluster.folder)
  const { servers, nodes } = await clusterUp({ folder: cluster.folder })
  t.deepEqual(servers, cluster.servers)
  t.deepEqual(running(nodes), ['n1', 't1'])
})

test('A taken port is named, and no process is left running.', async t => {
  const cluster = t.context.bare
  const folder = join(tempFolder(t), 'cluster')
  // Its n2 wants the other's only broker's port.
  const port = cluster.port - 1
  await t.throwsAsync(clusterUp({ folder, port, trackers: 0 }), {
    code: 'port-in-use',
    message: new RegExp(`n2 cannot listen on port ${cluster.port}:`),
  })
  t.deepEqual(running(await clusterStatus(folder)), [])
})

test('A broker that ends at once is reported with its output.', async t => {
  const folder = join(tempFolder(t), 'cluster')
  const { port } = t.context.bare
  await clusterUp({ folder, port: port + 1, brokers: 1, trackers: 0 })
  await clusterDown(folder)
  rmSync(join(folder, 'n1', 'store'), { recursive: true })
  writeFileSync(join(folder, 'n1', 'store'), 'no folder')
  await t.throwsAsync(clusterUp({ folder }), {
    code: 'not-ready',
    message: /n1 ended at once; see .*storage directory is not a directory/,
  })
})

test('A setting that an existing cluster cannot change is refused, with what to do.', async t => {
  const { folder, port, start } = t.context.bare
  await t.throwsAsync(clusterUp({ folder, port: port + 1 }), {
    code: 'other-cluster',
    message: /shoal cluster down first/,
  })
  await t.throwsAsync(clusterUp({ folder, brokers: 3 }), { code: 'other-cluster', message: /another folder/ })
  await t.throwsAsync(clusterUp({ folder, port: 70_000 }), { code: 'usage', message: /--port/ })
  await t.throwsAsync(start('n2'), { code: 'no-such-node', message: /this cluster has n1/ })
})

test('A broker refuses every connection that no tracker vouches for.', async t => {
  const { servers } = t.context.bare
  const refused = [{}, { user: 'alice', pass: 'secret' }, { user: 'broker', pass: 'secret' }].map(login =>
    t.throwsAsync(connect({ servers, ...login, reconnect: false, timeout: 10_000 }), {
      instanceOf: errors.AuthorizationError,
    }),
  )
  await Promise.all(refused)
})

test('A broker refuses browsers whose page comes from elsewhere.', async t => {
  const { port } = t.context.bare
  const answerTo = async (origin: string) => {
    const { promise, resolve } = Promise.withResolvers<number | undefined>()
    const request = get(`http://127.0.0.1:${port + 20}`, {
      headers: {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': Buffer.alloc(16).toString('base64'),
        Origin: origin,
      },
    })
    request.on('response', response => resolve(response.statusCode))
    request.on('upgrade', (response, socket) => {
      socket.destroy()
      resolve(response.statusCode)
    })
    return promise
  }
  t.is(await answerTo(`http://127.0.0.1:${port + 40}`), 101)
  t.is(await answerTo('https://evil.example'), 403)
  t.is(await answerTo(`http://127.0.0.1:${port + 41}`), 403)
})

test('No broker tells a page from elsewhere, or another user of the machine, who is connected.', async t => {
  const { bare } = t.context
  const statusOf = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${bare.port + 30}${path}`)
    await response.body?.cancel()
    return response.status
  }
  const [broker] = brokersOf(bare.folder, { ...defaultPlan, port: bare.port, brokers: 1 })
  t.is(await statusOf(`${monitorPathOf(broker!)}/connz`), 200)
  for (const path of ['/', '/connz?auth=1&subs=1', '/varz', '/jsz', '/subsz', '/healthz'])
    t.is(await statusOf(path), 404, path)
})

test('A test that is killed leaves neither brokers nor files behind.', async t => {
  const program = fileURLToPath(new URL('../helpers/abandon-cluster.ts', import.meta.url))
  const { promise, resolve } = Promise.withResolvers<string>()
  execFile(process.execPath, [program], (_error, stdout) => resolve(stdout))
  const { folder, port } = JSON.parse(await promise) as { folder: string; port: number }
  await until('the folder is gone', () => !existsSync(folder))
  t.is(await firstTakenPort('127.0.0.1', [port, port + 20, port + 30]), undefined)
})

test('A broker starts again without a majority, so that it can help to form one.', async t => {
  const cluster = t.context.whole
  for (const node of ['t1', 't2', 'n1', 'n2', 'n3']) await cluster.kill(node)
  await cluster.start('n1')
  await cluster.start('n2')
  t.deepEqual(running(await clusterStatus(cluster.folder)), ['n1', 'n2'])
})
