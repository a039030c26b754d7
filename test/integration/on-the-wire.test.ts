// What an eavesdropper hears between people and brokers, between brokers, and between two agents. Each of the three is
// recorded whole on a cluster with TLS while people work, and once without TLS, to prove that the recorder hears.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { brokersOf, loadPlan } from '../../src/cluster/cluster-plan.ts'
import { findNatsServer } from '../../src/cluster/find-nats-server.ts'
import { firstTakenPort } from '../../src/cluster/free-port.ts'
import { healthOf } from '../../src/cluster/monitoring.ts'
import { startCluster } from '../helpers/cluster.ts'
import { commandLine } from '../helpers/command-line.ts'
import { hasManyAddresses } from '../helpers/raw-nats.ts'
import { hear, type RecordingProxy, recordingProxy } from '../helpers/recording-proxy.ts'
import { until } from '../helpers/until.ts'

const user = 'wilhelmina'
const other = 'bartholomew'
const group = 'submarine-pictures'
const fileName = 'plans-of-the-nautilus.txt'
const password = 'a password of twenty thousand leagues'
const content = "The bytes of this file are nobody else's business. "

const told = (proxies: readonly RecordingProxy[]) => proxies.flatMap(({ streams }) => streams.map(hear))
/** Which of what is to stay among ourselves went over the wire as it is. */
const overheard = (proxies: readonly RecordingProxy[]) =>
  [user, other, group, fileName, password, content].filter(secret =>
    told(proxies).some(({ bytes }) => bytes.includes(secret)),
  )

for (const tls of [true, false])
  test.serial(
    `Between people, agents and brokers ${tls ? 'a recorder hears only handshakes with TLS' : 'the same recorder hears everything without TLS'}.`,
    async t => {
      const cluster = await startCluster(t, { brokers: 1, trackers: 1, tls })
      const broker = await recordingProxy(t, { host: '127.0.0.1', port: cluster.port })
      const servers = [`${tls ? 'tls' : 'nats'}://127.0.0.1:${broker.port}`]
      const [alice, bob] = [commandLine(t, servers, password), commandLine(t, servers, password)]
      // Listens at another address than the one peers are told of, where the recorder stands.
      const listen = hasManyAddresses ? '127.0.0.2' : '127.0.0.1'
      const peerPort = await (async () => {
        for (let port = 33_000 + (process.pid % 5_000); ; port += 1)
          if (!(await firstTakenPort('127.0.0.1', [port])) && !(await firstTakenPort(listen, [port]))) return port
      })()
      const agents = hasManyAddresses ? [await recordingProxy(t, { host: listen, port: peerPort }, peerPort)] : []

      await alice.json('signup', user)
      await alice.json('agent', 'start', '--listen', `${listen}:${peerPort}`)
      await alice.json('login', user)
      await bob.json('signup', other)
      await bob.json('login', other)
      await alice.json('group', 'create', group)
      await bob.json('group', 'join', group)
      await alice.json('group', 'accept', group, other)
      writeFileSync(join(alice.folder, fileName), content.repeat(50_000))
      await alice.json('share', join(alice.folder, fileName), group)
      const [done] = (await bob.json('download', group, fileName, bob.folder, '--wait')).slice(-1)
      t.like(done, { state: 'completed', peers: [{ via: 'direct' }] })
      t.is(readFileSync(join(bob.folder, fileName), 'utf8'), content.repeat(50_000))

      t.true(told([broker]).length > 10)
      if (!tls) return t.deepEqual(overheard([broker]), [user, other, group, fileName, password])
      t.deepEqual(overheard([broker, ...agents]), [])
      t.deepEqual(
        told([broker, ...agents]).filter(({ infos, isAllTls }) => infos.length > 0 || !isAllTls),
        [],
      )
      if (hasManyAddresses) t.true(told(agents).some(({ bytes }) => bytes.length > content.length * 50_000))
    },
  )

test.serial('Between brokers a recorder hears only their greetings and handshakes.', async t => {
  const cluster = await startCluster(t, { trackers: 1, tls: true })
  const brokers = brokersOf(cluster.folder, loadPlan(cluster.folder))
  for (const { name } of [{ name: 't1' }, ...brokers]) await cluster.stop(name)
  // By hand, each told to find the others behind a recorder.
  const routes: RecordingProxy[] = []
  for (const { ports } of brokers) routes.push(await recordingProxy(t, { host: '127.0.0.1', port: ports.route }))
  const { path: program } = await findNatsServer()
  for (const broker of brokers) {
    const file = join(broker.folder, 'config', 'node.conf')
    let config = readFileSync(file, 'utf8')
    brokers.forEach(({ ports }, index) => {
      config = config.replace(`@127.0.0.1:${ports.route}"`, `@127.0.0.1:${routes[index]!.port}"`)
    })
    writeFileSync(file, config)
    const started = spawn(program, ['-c', join(broker.folder, 'nats-server.conf')], { stdio: 'ignore' })
    await once(started, 'spawn')
    t.teardown(() => started.kill('SIGKILL'))
  }
  for (const broker of brokers)
    await until('the brokers have a majority', async () => (await healthOf(broker)).hasQuorum)
  await cluster.start('t1')

  const alice = commandLine(t, cluster.servers, password)
  await alice.json('signup', user)
  await alice.json('login', user)
  await alice.json('group', 'create', group)
  t.deepEqual(overheard(routes), [])
  const greeted = told(routes)
  t.true(greeted.some(({ bytes }) => bytes.length > 10_000))
  t.deepEqual(
    greeted.filter(({ isAllTls }) => !isAllTls),
    [],
  )
  for (const info of greeted.flatMap(({ infos }) => infos))
    for (const secret of [cluster.secrets.routePassword, ...Object.values(cluster.secrets.trackerSeeds)])
      t.false(info.includes(secret))
})
