// Floods of relayed bytes at a real agent on a real broker, from a stranger to it and from a member whom a tracker introduced.
// The flooder loses its channel; the agent keeps its connections, and goes on with its other transfers.

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import anyTest, { type ExecutionContext, type TestFn } from 'ava'
import type { NatsConnection } from 'nats'
import * as z from 'zod'
import { brokerTunables } from '../../config/client.ts'
import { peerTunables, relayTunables } from '../../config/swarm.ts'
import { connectRelay, openConnection } from '../../src/actors/client/broker-connection.ts'
import { trustNobody } from '../../src/actors/client/broker-trust.ts'
import { nkeyLogin } from '../../src/actors/device/nkey.ts'
import { peopleAccount } from '../../src/actors/tracker/auth-callout.ts'
import { deviceConnectionName } from '../../src/actors/tracker/permissions.ts'
import { type DeviceRef, deviceKey } from '../../src/domain/device-ref.ts'
import { pieceCount } from '../../src/domain/manifest.ts'
import { toConnect } from '../../src/wire/broker-login.ts'
import { introductionProof } from '../../src/wire/introduction.ts'
import { readJson } from '../../src/wire/json.ts'
import { decodeRelayMessage } from '../../src/wire/relay-messages.ts'
import { relaySubject } from '../../src/wire/subjects.ts'
import { type AgentDevice, agentDevice, randomFile } from '../helpers/agent-device.ts'
import { startCluster, type TestCluster } from '../helpers/cluster.ts'
import { granted } from '../helpers/granted.ts'
import { admit, type Person, person } from '../helpers/person.ts'
import { openPersonsRelay } from '../helpers/persons-relay.ts'
import { type RawFetcher, startRawFetcher } from '../helpers/raw-peer.ts'
import { type VirtualClock, virtualClock } from '../helpers/virtual-clock.ts'
import { withShared } from '../helpers/with-shared.ts'

interface Shared {
  readonly cluster: TestCluster
  /** Shares a file, at a rate that only her clock lets pass. */
  readonly alice: AgentDevice & { readonly clock: VirtualClock }
  readonly bob: Person
  readonly mallory: Person
  /** The brokers' own account, which lists connections. */
  readonly brokers: NatsConnection
}

const MiB = 2 ** 20
const wanted = { group: 'reef', name: 'big.bin' }
/** What made a broker drop the connection of any device. */
const flood = { messages: 320, bytes: 900_000 }

const test = withShared(anyTest.serial as TestFn<Shared>, async t => {
  const cluster = await startCluster(t, { brokers: 1, trackers: 1 })
  const [owner, bob, mallory] = (await Promise.all(
    ['alice', 'bob', 'mallory'].map(user => person(t, cluster.servers, user)),
  )) as [Person, Person, Person]
  granted(await owner.trackers.ask('group.create', { group: wanted.group }))
  const clock = virtualClock()
  const agent = await agentDevice(t as ExecutionContext, cluster.servers, owner, { clock })
  await agent.ask('limits.change', { up: MiB })
  await agent.ask('share', { path: randomFile(agent.folder, wanted.name, 16 * MiB), group: wanted.group })
  owner.trackers.advance(agent.home.seen())
  for (const member of [bob, mallory]) await admit(owner, wanted.group, member)
  const brokers = await openConnection(cluster.servers, trustNobody, {
    timeout: brokerTunables.operatorLoginTimeoutMs,
    authenticator: nkeyLogin(cluster.secrets.trackerSeeds.sys),
  })
  t.teardown(() => brokers.close())
  return { cluster, alice: { ...agent, clock }, bob, mallory, brokers }
})

const deviceOf = ({ user, device }: DeviceRef): DeviceRef => ({ user, device })

const connectionSchema = z.object({ cid: z.number(), name: z.string().optional(), out_bytes: z.number() })
const listingSchema = z.object({ data: z.object({ connections: z.array(connectionSchema) }) })

/** What the broker has sent on each of this device's connections; a new connection has another name. */
async function bytesTo({ user, device }: DeviceRef, brokers: NatsConnection): Promise<Map<string, number>> {
  const asked = JSON.stringify({ acc: peopleAccount, auth: true, user: deviceConnectionName({ user, device }) })
  const answer = await brokers.request('$SYS.REQ.SERVER.PING.CONNZ', asked)
  const { data } = readJson(answer.data, listingSchema)!
  return new Map(data.connections.map(({ cid, name, out_bytes }) => [`${name} ${cid}`, out_bytes]))
}

async function locate(who: Person, from: DeviceRef) {
  for (;;) {
    const { manifest, peers } = granted(await who.trackers.ask('swarm.locate', wanted))
    const peer = peers.find(other => deviceKey(other) === deviceKey(from))
    if (peer) return { manifest, peer }
    await delay(20)
  }
}

/** Asks for half of the file over the relay, which takes longer than a test. */
async function fetchRelayed(t: ExecutionContext<Shared>): Promise<RawFetcher> {
  const { cluster, alice, bob } = t.context
  const { manifest, peer } = await locate(bob, alice.person)
  const relay = openPersonsRelay(t, cluster.servers, bob)
  const fetcher = await startRawFetcher(peer, manifest, deviceOf(bob), relay.connect(peer))
  t.teardown(() => fetcher[Symbol.dispose]())
  const ask = (piece: number, offset: number) =>
    fetcher.send({ type: 'request', piece, offset, length: peerTunables.blockBytes })
  /** A piece that another connection had has to be asked for twice. */
  const insist = async () => {
    for (;;) {
      const { piece, offset, why } = await fetcher.next('refused')
      if (why === 'declined') ask(piece, offset)
    }
  }
  await fetcher.next('bitfield')
  for (let piece = 0; piece < pieceCount(manifest) / 2; piece += 1)
    for (let offset = 0; offset < manifest.pieceLength; offset += peerTunables.blockBytes) ask(piece, offset)
  insist()
  return fetcher
}

/** Moves her clock until so much more has come. */
async function flows(fetcher: RawFetcher, { clock }: Shared['alice'], bytes = MiB / 4): Promise<void> {
  const enough = fetcher.blockBytes() + bytes
  while (fetcher.blockBytes() < enough) {
    clock.advance(5)
    await delay(1)
  }
}

/** As fast as the broker takes it, by hand: a client library would stop this process for seconds. */
async function floodAs(who: Person, subject: string, { servers }: TestCluster): Promise<void> {
  const { hostname, port } = new URL(servers[0]!)
  const socket = connect(Number(port), hostname)
  try {
    await once(socket, 'data')
    const login = toConnect({ ...who, kind: 'relay' })
    socket.write(`CONNECT ${JSON.stringify({ ...login, verbose: false, pedantic: false })}\r\n`)
    const message = Buffer.from(`PUB ${subject} ${flood.bytes}\r\n${'x'.repeat(flood.bytes)}\r\n`)
    for (let sent = 0; sent < flood.messages; sent += 1) socket.write(message)
    socket.write('PING\r\n')
    for await (const line of createInterface(socket)) if (line === 'PONG') return
    throw new Error('the broker hung up on the flooder')
  } finally {
    socket.destroy()
  }
}

/** Fails unless that device still has its connections, each of which has carried no more than `mostBytes` since. */
async function isUnharmed(
  t: ExecutionContext<Shared>,
  device: DeviceRef,
  before: ReadonlyMap<string, number>,
  mostBytes: number,
): Promise<void> {
  const after = await bytesTo(device, t.context.brokers)
  t.true(before.size >= 3, 'the test’s, the agent’s, and that of its relay')
  t.deepEqual([...after.keys()].sort(), [...before.keys()].sort(), 'a connection was cut off')
  for (const [name, bytes] of after) {
    const grown = bytes - before.get(name)!
    t.true(grown <= mostBytes, `${name}: ${grown} bytes`)
  }
}

const randomChannel = () => randomBytes(16).toString('hex')

test('A flood on channels that no tracker introduced reaches none of a device’s connections.', async t => {
  const { cluster, alice, mallory, brokers } = t.context
  const fetcher = await fetchRelayed(t)
  await flows(fetcher, alice)
  const before = await bytesTo(alice.person, brokers)
  await floodAs(mallory, relaySubject(alice.person, mallory, randomChannel()), cluster)
  await flows(fetcher, alice)
  await isUnharmed(t, alice.person, before, MiB)
})

test('A member who floods a channel that was opened for it loses that channel; the sharer stays connected and serves others on.', async t => {
  const { cluster, alice, mallory, brokers } = t.context
  const fetcher = await fetchRelayed(t)
  await flows(fetcher, alice)
  const before = await bytesTo(alice.person, brokers)
  const { peer } = await locate(mallory, alice.person)
  const hearing = await connectRelay(cluster.servers, mallory)
  t.teardown(() => hearing.close())
  const heard: string[] = []
  /** Has a tracker introduce it, as a downloader does. */
  const introduce = async () => {
    const channel = randomChannel()
    const opened = Promise.withResolvers<void>()
    hearing.subscribe(relaySubject(mallory, alice.person, channel), {
      callback: (_, message) => {
        heard.push(`${channel} ${decodeRelayMessage(message.data)?.type}`)
        opened.resolve()
      },
    })
    await hearing.flush()
    const { identity, key } = peer.ticket
    const proof = introductionProof(Buffer.from(key, 'base64url'), channel)
    granted(await mallory.trackers.ask('swarm.introduce', { to: deviceOf(alice.person), identity, channel, proof }))
    return { channel, opened: opened.promise }
  }
  const { channel, opened } = await introduce()
  await opened
  await floodAs(mallory, relaySubject(alice.person, mallory, channel), cluster)
  await flows(fetcher, alice)
  t.deepEqual(heard, [`${channel} open`, `${channel} reset`])
  await isUnharmed(
    t,
    alice.person,
    before,
    (relayTunables.windowChunks + relayTunables.spareMessages + 2) * flood.bytes,
  )
  // She is introduced again, and ignored; those who come after her are not.
  await introduce()
  await flows(await fetchRelayed(t), alice)
  t.is(heard.length, 2)
})
