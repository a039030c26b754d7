// A user with an account publishes garbage on every subject that an account may use, at live trackers, agents and watchers
// over a real broker, while another user works: no process dies, nothing piles up, and no command fails.
// HOSTILE_MESSAGES=100000 makes it run longer.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { headers, type NatsConnection } from 'nats'
import { loadTunables } from '../../config/load.ts'
import { connectRelay } from '../../src/actors/client/broker-connection.ts'
import { clusterStatus } from '../../src/cluster/cluster.ts'
import { introductionProof } from '../../src/wire/introduction.ts'
import { encodeRelayMessage } from '../../src/wire/relay-messages.ts'
import {
  apiSubject,
  inboxPrefix,
  inspectSubject,
  presenceSubject,
  relaySubject,
  trackersStats,
  trackersStatus,
  watchSubject,
} from '../../src/wire/subjects.ts'
import { trackerMethods } from '../../src/wire/tracker-api.ts'
import { mutate } from '../fuzz/mutate.ts'
import { targets } from '../fuzz/targets.ts'
import { agentDevice, randomFile } from '../helpers/agent-device.ts'
import { startCluster } from '../helpers/cluster.ts'
import { statusesAtOneSequence } from '../helpers/equal-trackers.ts'
import { granted } from '../helpers/granted.ts'
import { admit, type Person, person } from '../helpers/person.ts'
import { seededRandom } from '../helpers/seeded-random.ts'

const messages = Number(process.env.HOSTILE_MESSAGES ?? 4_000)
const host = '127.0.0.1'
/** Of a process, by whatever flood: 16,000 messages made it 240, as 4,000 did; a message that is kept for good would show. */
const mostGrownMiB = 400

type Random = () => number
const pick = <T>(items: readonly T[], random: Random): T => items[Math.floor(random() * items.length)]!

const valid = targets.flatMap(target => target.valid)
const huge = JSON.stringify({ id: 'x'.repeat(36), seen: 0, params: { group: 'A'.repeat(900_000) } })
const deep = `${'{"params":['.repeat(40_000)}`
const deepWhole = `${'['.repeat(300_000)}${']'.repeat(300_000)}`

/** A larger message there is a flood by itself (integration/floods.test.ts). */
const isBounded = (subject: string) => /^shoal\.(presence|watch|look|trackers|write)\./.test(subject)
const largestBytes = Math.min(...Object.values(loadTunables.rooms).map(room => room.largestBytes))

function payload(random: Random): Uint8Array | string {
  const choice = random()
  if (choice < 0.5) return mutate(valid, random)
  if (choice < 0.6) return Buffer.from(Array.from({ length: Math.floor(random() * 200) }, () => random() * 256))
  if (choice < 0.7) return encodeRelayMessage({ type: 'data', before: 2 ** 32 - 1, chunk: Buffer.alloc(100) })
  if (choice < 0.75) return encodeRelayMessage({ type: 'open', version: Math.floor(random() * 3) })
  if (choice < 0.76) return pick([huge, deep, deepWhole], random)
  const bytes = Buffer.from(JSON.stringify(pick(valid, random)))
  return bytes.subarray(0, Math.floor(random() * (bytes.length + 1)))
}

/** All that `by` may publish on, over the connection for that; `to` is another user's device. */
function subjects(by: Person, to: Person, introduced: string, random: Random): readonly string[] {
  const channel = pick([introduced, introduced, '0'.repeat(32), `${'x'.repeat(300)}`], random)
  return [
    ...Object.keys(trackerMethods).map(method => apiSubject(by, pick(['read', 'write'] as const, random), method)),
    ...['no.such', 'toString', '__proto__', 'x'.repeat(500)].map(method =>
      apiSubject(by, pick(['read', 'write'] as const, random), method),
    ),
    // As often as the rest together.
    ...Array(12).fill(relaySubject(to, by, channel)),
    ...Array(6).fill(presenceSubject(by, host)),
    ...Array(4).fill(inspectSubject(by, pick(['agent', '$serving', 'x'.repeat(300)], random))),
    ...Array(4).fill(watchSubject(by)),
    trackersStatus(by),
    trackersStats(by),
  ]
}

/** As a member with a ticket may: has that device told of a channel, which is returned. */
async function introduce(by: Person, to: Person, random: Random): Promise<string> {
  const channel = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16)).join('')
  const { peers } = granted(await by.trackers.ask('swarm.locate', { group: 'reef', name: 'lasting.bin' }))
  const ticket = peers.find(({ user }) => user === to.user)?.ticket
  if (!ticket) return channel
  const proof = introductionProof(Buffer.from(ticket.key, 'base64url'), channel)
  const device = { user: to.user, device: to.device }
  await by.trackers.ask('swarm.introduce', { to: device, identity: ticket.identity, channel, proof })
  return channel
}

async function flood(main: NatsConnection, relay: NatsConnection, by: Person, to: Person, random: Random) {
  let introduced = ''
  for (let sent = 0; sent < messages; sent += 1) {
    if (sent % 200 === 0) introduced = await introduce(by, to, random)
    const subject = pick(subjects(by, to, introduced, random), random)
    const connection = subject.startsWith('shoal.relay.') ? relay : main
    // What logs it out would end its part.
    if (subject.endsWith('.device.logout')) continue
    const reply = pick(['', `${inboxPrefix(by.user)}.x`, `${inboxPrefix(to.user)}.x`, 'shoal.event.group.reef'], random)
    const more = headers()
    more.append('Nats-Msg-Id', 'x')
    more.append('Nats-Expected-Last-Subject-Sequence', '0')
    const options = { ...(reply ? { reply } : {}), ...(random() < 0.1 ? { headers: more } : {}) }
    const body = Buffer.from(payload(random))
    connection.publish(subject, isBounded(subject) ? body.subarray(0, largestBytes) : body, options)
    if (sent % 50 === 49) {
      await connection.flush()
      // Slower than what trackers cut off: a thousand messages a second, of which heartbeats are fewer than a hundred.
      await delay(50)
    }
  }
  await Promise.all([main.flush(), relay.flush()])
}

const memoryMiB = (pid: number) =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024

const onLinux = process.platform === 'linux' ? test : test.skip

onLinux('Whatever an account holder publishes, nobody dies of it, and others work on.', async t => {
  t.timeout(300_000)
  const seed = Math.floor(Math.random() * 2 ** 31)
  t.log(`seed ${seed}`)
  const cluster = await startCluster(t, { brokers: 1, trackers: 2 })
  const [alice, bob, eve] = (await Promise.all(
    ['alice', 'bob', 'eve'].map(user => person(t, cluster.servers, user)),
  )) as [Person, Person, Person]
  granted(await alice.trackers.ask('group.create', { group: 'reef' }))
  for (const member of [bob, eve]) await admit(alice, 'reef', member)
  const devices = await Promise.all(
    [alice, bob, eve].map(each => agentDevice(t, cluster.servers, each, { ownProcess: true })),
  )
  const [hers, his, eves] = devices as [(typeof devices)[0], (typeof devices)[0], (typeof devices)[0]]
  const pids = async () => [
    ...(await clusterStatus(cluster.folder)).map(({ pid }) => pid!),
    ...devices.map(({ home }) => home.agentPid()!),
  ]
  /** What an honest user does. */
  const work = async (round: number) => {
    const name = `film-${round}.bin`
    await hers.ask('share', { path: randomFile(hers.folder, name, 3 * 2 ** 20 + round), group: 'reef' })
    const { id } = await his.ask('download', { group: 'reef', name, destination: his.folder, overwrite: false })
    const { state } = await his.until(id, () => false)
    if (state !== 'completed') throw new Error(`${name} is ${state}`)
    await hers.ask('unshare', { group: 'reef', name })
    const group = `round-${round}`
    granted(await alice.trackers.ask('group.create', { group }))
    await admit(alice, group, bob)
    granted(await bob.trackers.ask('group.leave', { group }))
    granted(await alice.trackers.ask('group.list', {}))
  }
  const lasting = randomFile(hers.folder, 'lasting.bin', 2 ** 20)
  await hers.ask('share', { path: lasting, group: 'reef' })
  await work(0)
  const before = await pids()
  const memory = before.map(memoryMiB)
  let isFlooding = true
  const relay = await connectRelay(cluster.servers, eve)
  t.teardown(() => relay.close())
  const flooding = flood(eve.connection, relay, eve, alice, seededRandom(seed)).finally(() => {
    isFlooding = false
  })
  let rounds = 0
  do {
    rounds += 1
    await work(rounds)
  } while (isFlooding)
  await flooding
  t.log(`${messages} messages, ${rounds} rounds of work meanwhile`)

  t.deepEqual(await pids(), before, 'every process is the one it was')
  const [one, other] = await statusesAtOneSequence(alice.trackers, ['t1', 't2'])
  t.is(one?.digest, other?.digest)
  granted(await eves.agent.ask('status', {}))
  for (const tracker of ['t1', 't2']) {
    const lines = readFileSync(join(cluster.folder, tracker, 'output'), 'utf8').split('\n')
    t.deepEqual(lines.filter(line => /"level":[56]0/.test(line)).slice(0, 3), [], tracker)
  }
  for (const { home } of devices)
    t.deepEqual(
      readFileSync(home.agentLog, 'utf8')
        .split('\n')
        .filter(line => /"level":[56]0/.test(line))
        .slice(0, 3),
      [],
    )
  const isSmall = () => before.every((pid, at) => memoryMiB(pid) - memory[at]! < mostGrownMiB)
  // A collection of garbage may be due.
  for (let look = 0; look < 50 && !isSmall(); look += 1) await delay(200)
  t.log(`grown by ${before.map((pid, at) => Math.round(memoryMiB(pid) - memory[at]!)).join(', ')} MiB`)
  t.true(isSmall())
})
