import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import test from 'ava'
import fc from 'fast-check'
import { waitFor } from 'xstate'
import { relayTunables } from '../../../config/swarm.ts'
import type { RelaySettings } from '../../../src/actors/swarm/relay-channel.ts'
import type { DeviceRef } from '../../../src/domain/device-ref.ts'
import { refuse } from '../../../src/domain/refusal.ts'
import { uploadsStatus } from '../../../src/machines/uploads.ts'
import {
  decodeRelayMessage,
  encodeRelayMessage,
  type RelayMessage,
  relayVersion,
} from '../../../src/wire/relay-messages.ts'
import { introductionSubject, relaySubject } from '../../../src/wire/subjects.ts'
import { createMemoryBroker, type MemoryBroker } from '../../helpers/memory-broker.ts'
import { startOpenBroker } from '../../helpers/open-broker.ts'
import { readToEnd } from '../../helpers/read-stream.ts'
import { settled } from '../../helpers/settled.ts'
import { alice, bob, fetchAll, offerOf, sharedBytes, startServer, startSession } from '../../helpers/swarm.ts'
import { openTestRelay, relayedPeer } from '../../helpers/test-relay.ts'

const mib = 1024 * 1024
const carol: DeviceRef = { user: 'carol', device: 'cccccccccccc' }
const channelId = '0123456789abcdef0123456789abcdef'

test('A file travels whole through a broker when its sharer cannot be reached directly.', async t => {
  await using broker = await startOpenBroker()
  const file = sharedBytes(20 * mib + 7)
  const aliceRelay = await openTestRelay(broker.connect, alice)
  const bobRelay = await openTestRelay(broker.connect, bob)
  await using server = await startServer(alice, aliceRelay.accept)
  server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
  const unreachable = { ...server.peerFor(bob, file.share), port: 1 }
  const { bytes, via } = await fetchAll(unreachable, file, { connectRelay: bobRelay.connect })
  t.is(via, 'relay')
  t.true(bytes.equals(file.bytes))
  // The fetcher has left, and its server hears of it.
  await waitFor(server.uploads, snapshot => uploadsStatus(snapshot).sessions === 0)
  await bobRelay.close()
  await aliceRelay.close()
})

test('A peer that is at no broker is lost for now, at once.', async t => {
  const reason = 'it is not connected to the brokers'
  const bobRelay = await openTestRelay(createMemoryBroker().connect, bob, { answer: refuse('unreachable', reason) })
  const file = sharedBytes(mib)
  await using server = await startServer()
  using session = startSession({ ...server.peerFor(bob, file.share), port: 1 }, file, {
    connectRelay: bobRelay.connect,
  })
  t.like(await session.heard.next('peer.lost'), { final: false, reason })
  await bobRelay.close()
})

test("A relayed peer is who the broker says it is: another's ticket does not let it in.", async t => {
  const broker = createMemoryBroker()
  const file = sharedBytes(mib)
  const aliceRelay = await openTestRelay(broker.connect, alice)
  const carolRelay = await openTestRelay(broker.connect, carol)
  await using server = await startServer(alice, aliceRelay.accept)
  server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
  const stolen = { ...server.peerFor(bob, file.share), port: 1 }
  using session = startSession(stolen, file, { connectRelay: carolRelay.connect, me: bob })
  t.like(await session.heard.next('peer.lost'), { final: true, reason: 'this ticket belongs to another device' })
  await aliceRelay.close()
  await carolRelay.close()
})

/** Two devices at one broker in memory, with a channel that bob has opened to alice. */
async function connected(settings: Partial<RelaySettings> = {}) {
  const broker = createMemoryBroker()
  const aliceRelay = await openTestRelay(broker.connect, alice, { settings })
  const bobRelay = await openTestRelay(broker.connect, bob, { settings })
  const accepted = Promise.withResolvers<Duplex>()
  aliceRelay.accept(channel => accepted.resolve(channel))
  const ours = bobRelay.connect(relayedPeer(alice))
  const theirs = await accepted.promise
  const close = () => Promise.all([aliceRelay.close(), bobRelay.close()])
  ours.on('error', () => {})
  theirs.on('error', () => {})
  return { broker, ours, theirs, close }
}

/** However it ends. */
const closed = async (channel: Duplex) => channel.closed || new Promise(resolve => channel.once('close', resolve))

const toAlice = (broker: MemoryBroker, type: RelayMessage['type']) =>
  broker.published.filter(
    ({ subject, data }) => subject.startsWith('shoal.relay.alice.') && decodeRelayMessage(data)?.type === type,
  )

test('Written bytes arrive complete and in order, one message a chunk.', async t => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 5000 }), { maxLength: 30 }), async sizes => {
      const { broker, ours, theirs, close } = await connected({ chunkBytes: 1024, windowChunks: 4 })
      const writes = sizes.map((size, index) => Buffer.alloc(size, index))
      const arrived = readToEnd(theirs)
      for (const bytes of writes) ours.write(bytes)
      ours.end()
      t.true((await arrived).equals(Buffer.concat(writes)))
      t.true(toAlice(broker, 'data').every(({ data }) => data.length <= 1024 + 5))
      await close()
    }),
    { numRuns: 20 },
  )
})

test('A writer stays within the window of a reader that reads nothing, and continues when it reads.', async t => {
  const { broker, ours, theirs, close } = await connected({ chunkBytes: 1024, windowChunks: 4 })
  ours.write(Buffer.alloc(100 * 1024))
  ours.end()
  await settled(() => broker.published.length)
  t.is(toAlice(broker, 'data').length, 4)
  t.is((await readToEnd(theirs)).length, 100 * 1024)
  await close()
})

test('Both ends close when both have ended.', async t => {
  const { broker, ours, theirs, close } = await connected()
  ours.end('ask')
  t.is(String(await readToEnd(theirs)), 'ask')
  theirs.end('answer')
  t.is(String(await readToEnd(ours)), 'answer')
  await closed(ours)
  await closed(theirs)
  t.is(toAlice(broker, 'reset').length, 0)
  await close()
})

test('A lost chunk breaks the channel instead of leaving a hole.', async t => {
  const { broker, ours, theirs, close } = await connected({ chunkBytes: 1024 })
  let count = 0
  broker.loses = (subject, data) =>
    subject.startsWith('shoal.relay.alice.') && decodeRelayMessage(data)?.type === 'data' && ++count === 2
  const broken = once(theirs, 'error')
  theirs.resume()
  ours.write(Buffer.alloc(4096))
  const [error] = await broken
  t.is(error.message, 'the relay lost something')
  await closed(ours)
  await close()
})

test('The loss of the last chunk is noticed at the next heartbeat.', async t => {
  const { broker, ours, theirs, close } = await connected({ heartbeatEveryMs: 20 })
  broker.loses = (_, data) => decodeRelayMessage(data)?.type === 'data'
  const broken = once(theirs, 'error')
  theirs.resume()
  ours.write('all there is')
  const [error] = await broken
  t.is(error.message, 'the relay lost something')
  await close()
})

// Serial: what other tests do at the same time may hold up heartbeats.
test.serial('A channel whose other side falls silent breaks; one with heartbeats lives.', async t => {
  const { broker, ours, theirs, close } = await connected({ heartbeatEveryMs: 20, silentAfterMs: 2_000 })
  // Heartbeats of either side, over more than the time after which silence is death.
  while (toAlice(broker, 'credit').length < 110 && !ours.destroyed && !theirs.destroyed) await new Promise(setImmediate)
  t.deepEqual([ours.errored, theirs.errored], [null, null])
  broker.loses = () => true
  const [error] = await once(ours, 'error')
  t.is(error.message, 'the relay has gone silent')
  await close()
})

/** Alice listening, and others who publish what they like. Alice has accepted a channel from bob, unless none is asked for. */
async function besieged(settings: Partial<RelaySettings> = {}, isIntroduced = true) {
  const broker = createMemoryBroker()
  const relay = await openTestRelay(broker.connect, alice, { settings })
  const accepted: Duplex[] = []
  relay.accept(channel => {
    channel.on('error', () => {})
    accepted.push(channel)
  })
  const settle = () => settled(() => broker.published.length)
  const introduce = async (from = bob, channel = channelId) => {
    broker.publish(introductionSubject(alice), JSON.stringify({ from, channel }))
    await settle()
  }
  const say = (message: RelayMessage | Buffer, from = bob, channel = channelId) =>
    broker.publish(relaySubject(alice, from, channel), Buffer.isBuffer(message) ? message : encodeRelayMessage(message))
  const resets = () => broker.published.filter(({ data }) => decodeRelayMessage(data)?.type === 'reset').length
  const relayedToAlice = () => broker.delivered.filter(({ subject }) => subject.startsWith('shoal.relay.alice.')).length
  if (isIntroduced) await introduce()
  return { broker, relay, accepted, introduce, say, settle, resets, relayedToAlice }
}

const chunk = Buffer.alloc(relayTunables.chunkBytes)
const nothing: RelayMessage = { type: 'credit', taken: 0, sent: 0 }
type Misdeeds = readonly (readonly [what: string, messages: readonly (RelayMessage | Buffer)[]])[]

/** Also what a network may do. */
const faults: Misdeeds = [
  ['skips a chunk', [{ type: 'data', before: 1, chunk }]],
  [
    'sends a chunk twice',
    [
      { type: 'data', before: 0, chunk },
      { type: 'data', before: 0, chunk },
    ],
  ],
  ['claims to have sent more than came', [{ type: 'credit', taken: 0, sent: 5 }]],
  [
    'goes on after its end',
    [
      { type: 'end', sent: 0 },
      { type: 'data', before: 0, chunk },
    ],
  ],
]
/** What only a dishonest peer does. */
const abuses: Misdeeds = [
  ['takes more than it was sent', [{ type: 'credit', taken: 1, sent: 0 }]],
  ['opens a channel that is open', [{ type: 'open', version: relayVersion }]],
  ['sends noise', [Buffer.from('noise')]],
  ['sends a chunk that is too large', [Buffer.concat([Buffer.from([2, 0, 0, 0, 0]), chunk, Buffer.alloc(1)])]],
  [
    'sends more than was granted',
    Array.from({ length: 17 }, (_, before) => ({ type: 'data', before, chunk }) as const),
  ],
  ['sends heartbeats without end', Array(40).fill(nothing)],
]
for (const [what, messages] of [...faults, ...abuses])
  test(`A channel is broken off when its other side ${what}.`, async t => {
    const { relay, accepted, say, settle, resets } = await besieged()
    for (const message of messages) say(message)
    await settle()
    t.is(accepted.length, 1)
    t.true(accepted[0]!.destroyed)
    t.is(accepted[0]!.readableLength, 0)
    t.is(resets(), 1)
    await relay.close()
  })

test('A user who lost something on the way may come again at once; one who broke the rules is ignored for a while, on every device.', async t => {
  for (const [misdeeds, channels] of [
    [faults, 2],
    [abuses, 1],
  ] as const)
    for (const [what, messages] of misdeeds) {
      const { relay, accepted, introduce, say, settle } = await besieged()
      for (const message of messages) say(message)
      await settle()
      await introduce({ ...bob, device: 'dddddddddddd' }, 'f'.repeat(32))
      t.is(accepted.length, channels, what)
      await introduce(carol)
      t.is(accepted.length, channels + 1, what)
      await relay.close()
    }
})

test('A user who broke the rules is accepted again after the while.', async t => {
  const { relay, accepted, introduce, say, settle } = await besieged({ bannedMs: 0 })
  say(Buffer.from('noise'))
  await settle()
  await introduce(bob, 'f'.repeat(32))
  t.is(accepted.length, 2)
  await relay.close()
})

test('The broker delivers no more of a flood than was granted.', async t => {
  const { relay, accepted, say, settle, relayedToAlice } = await besieged()
  for (let before = 0; before < 320; before++) say({ type: 'data', before, chunk })
  await settle()
  t.true(accepted[0]!.destroyed)
  t.true(relayedToAlice() <= relayTunables.windowChunks + relayTunables.spareMessages + 1)
  await relay.close()
})

test('Bytes of a peer that no tracker introduced reach no connection of a device, nor do those on another channel.', async t => {
  const { broker, relay, accepted, introduce, say, settle, relayedToAlice } = await besieged({}, false)
  const main = broker.open.size
  for (let before = 0; before < 320; before++) say({ type: 'data', before, chunk })
  say({ type: 'open', version: relayVersion })
  await settle()
  t.is(broker.open.size, main, 'a connection for the relay was opened')
  await introduce(carol)
  for (let before = 0; before < 320; before++) {
    say({ type: 'data', before, chunk })
    say({ type: 'data', before, chunk }, carol, 'f'.repeat(32))
  }
  await settle()
  t.is(relayedToAlice(), 0)
  t.is(accepted.length, 1)
  t.false(accepted[0]!.destroyed)
  await relay.close()
})

test('Introductions that are malformed are ignored.', async t => {
  const { broker, relay, accepted, introduce, settle } = await besieged({}, false)
  await introduce(bob, 'not-a-channel')
  await introduce({ user: 'bob', device: 'NOT A DEVICE' })
  await introduce({ user: 'b.*', device: bob.device })
  broker.publish(introductionSubject(alice), 'noise')
  await settle()
  t.is(accepted.length, 0)
  await relay.close()
})

test('A channel that was introduced twice is one.', async t => {
  const { relay, accepted, introduce } = await besieged()
  await introduce()
  t.is(accepted.length, 1)
  t.false(accepted[0]!.destroyed)
  await relay.close()
})

test('The number of open channels is limited for each user and for all users together.', async t => {
  const { relay, accepted, introduce } = await besieged({ maxChannels: 5, maxChannelsPerUser: 3 }, false)
  const id = (index: number) => index.toString(16).padStart(32, '0')
  for (let index = 0; index < 10; index++) await introduce(bob, id(index))
  t.is(accepted.length, 3)
  for (let index = 0; index < 10; index++) await introduce(carol, id(index))
  t.is(accepted.length, 5)
  accepted[0]!.destroy()
  await introduce(bob, id(99))
  t.is(accepted.length, 6)
  await relay.close()
})

/** Bob, who has asked for a channel to a hostile alice. */
async function asking() {
  const broker = createMemoryBroker()
  const relay = await openTestRelay(broker.connect, bob)
  const ask = async () => {
    const channel = relay.connect(relayedPeer(alice)).on('error', () => {})
    await settled(() => broker.published.length)
    return channel
  }
  const channel = await ask()
  const id = () => {
    const introduced = broker.published.findLast(({ subject }) => subject === introductionSubject(alice))
    return JSON.parse(Buffer.from(introduced!.data).toString()).channel as string
  }
  const answer = async (...messages: RelayMessage[]) => {
    for (const message of messages) broker.publish(relaySubject(bob, alice, id()), encodeRelayMessage(message))
    await settled(() => broker.published.length)
  }
  return { broker, relay, channel, ask, answer }
}

test('Nothing is sent on a channel until its other side has opened it.', async t => {
  const { broker, relay, channel, answer } = await asking()
  channel.end('hello')
  await settled(() => broker.published.length)
  t.is(toAlice(broker, 'data').length, 0)
  await answer({ type: 'open', version: relayVersion })
  t.is(toAlice(broker, 'data').length, 1)
  t.is(toAlice(broker, 'end').length, 1)
  await relay.close()
})

test('A serving side of another version is left; one that sends before it opens, or beyond its window, is not asked again for a while.', async t => {
  const open = { type: 'open', version: relayVersion } as const
  const flood = Array.from({ length: 17 }, (_, before) => ({ type: 'data', before, chunk }) as const)
  const cases: readonly [messages: readonly RelayMessage[], isAskedAgain: boolean][] = [
    [[{ type: 'open', version: relayVersion + 1 }], true],
    [[{ type: 'reset' }], true],
    // Its heartbeat came, and what it said first was lost on the way.
    [[{ type: 'credit', taken: 0, sent: 0 }], true],
    [[{ type: 'data', before: 0, chunk }], false],
    [[open, open], false],
    [[open, ...flood], false],
  ]
  for (const [messages, isAskedAgain] of cases) {
    const { relay, channel, ask, answer } = await asking()
    await answer(...messages)
    t.true(channel.destroyed)
    t.is((await ask()).destroyed, !isAskedAgain)
    await relay.close()
  }
})

test('A channel accepts messages only from its other side.', async t => {
  const { relay, accepted, say, settle } = await besieged()
  say({ type: 'reset' }, carol)
  say({ type: 'data', before: 7, chunk }, carol)
  await settle()
  t.false(accepted[0]!.destroyed)
  await relay.close()
})

test('A channel that its other side does not take goes silent.', async t => {
  const broker = createMemoryBroker()
  const aliceRelay = await openTestRelay(broker.connect, alice)
  const bobRelay = await openTestRelay(broker.connect, bob, { settings: { heartbeatEveryMs: 5, silentAfterMs: 20 } })
  const [error] = await once(bobRelay.connect(relayedPeer(alice)), 'error')
  t.is(error.message, 'the relay has gone silent')
  await aliceRelay.close()
  await bobRelay.close()
})

test('The connection for the relay is opened with the first channel, shared, and closed a while after the last.', async t => {
  const { broker, relay, accepted, introduce } = await besieged({ idleMs: 20 }, false)
  const main = broker.open.size
  await introduce(bob)
  await introduce(carol)
  t.is(broker.open.size, main + 1)
  accepted[0]!.destroy()
  accepted[1]!.destroy()
  while (broker.open.size > main) await new Promise(setImmediate)
  await introduce(bob, 'f'.repeat(32))
  t.is(broker.open.size, main + 1)
  t.false(accepted[2]!.destroyed)
  await relay.close()
})

test('The loss of the connection for the relay breaks its channels; the next channel opens another connection.', async t => {
  const { broker, relay, accepted, introduce } = await besieged()
  const [, own] = [...broker.open]
  const broken = once(accepted[0]!, 'error')
  await own!.close()
  const [error] = await broken
  t.is(error.message, 'the connection to the brokers is gone')
  await introduce(bob, 'f'.repeat(32))
  t.is(accepted.length, 2)
  t.false(accepted[1]!.destroyed)
  await relay.close()
})

test('A real broker delivers no more of a flood than was granted, and none of it to a device’s main connection.', async t => {
  await using broker = await startOpenBroker()
  const [main, own, mallory] = [await broker.connect(), await broker.connect(), await broker.connect()]
  const connections = [main, own]
  const relay = await openTestRelay(async () => connections.shift()!, alice)
  const accepted = Promise.withResolvers<Duplex>()
  relay.accept(channel => accepted.resolve(channel.on('error', () => {})))
  const opened = Promise.withResolvers<unknown>()
  mallory.subscribe(relaySubject(bob, alice, channelId), { callback: (_, message) => opened.resolve(message) })
  await mallory.flush()
  await main.flush()
  mallory.publish(introductionSubject(alice), JSON.stringify({ from: bob, channel: channelId }))
  await opened.promise
  const before = main.stats().inBytes
  const large = Buffer.alloc(900_000)
  for (let sent = 0; sent < 80; sent++) mallory.publish(relaySubject(alice, bob, channelId), large)
  await mallory.flush()
  await own.flush()
  t.true((await accepted.promise).destroyed)
  t.true(own.stats().inMsgs <= relayTunables.windowChunks + relayTunables.spareMessages + 1)
  t.is(main.stats().inBytes, before)
  await relay.close()
})
