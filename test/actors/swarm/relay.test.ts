import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import test from 'ava'
import fc from 'fast-check'
import { waitFor } from 'xstate'
import { relayTunables } from '../../../config/swarm.ts'
import { openRelay } from '../../../src/actors/swarm/relay.ts'
import type { RelaySettings } from '../../../src/actors/swarm/relay-channel.ts'
import type { DeviceRef } from '../../../src/domain/device-ref.ts'
import { uploadsStatus } from '../../../src/machines/uploads.ts'
import { decodeRelayMessage, encodeRelayMessage, type RelayMessage } from '../../../src/wire/relay-messages.ts'
import { relaySubject } from '../../../src/wire/subjects.ts'
import { createMemoryBroker, type MemoryBroker } from '../../helpers/memory-broker.ts'
import { startOpenBroker } from '../../helpers/open-broker.ts'
import { readToEnd } from '../../helpers/read-stream.ts'
import { settled } from '../../helpers/settled.ts'
import { alice, bob, fetchAll, offerOf, sharedBytes, startServer, startSession } from '../../helpers/swarm.ts'

const mib = 1024 * 1024
const carol: DeviceRef = { user: 'carol', device: 'cccccccccccc' }
const channelId = '0123456789abcdef0123456789abcdef'

test('A file travels whole through a broker when its sharer cannot be reached directly.', async t => {
  await using broker = await startOpenBroker()
  const file = sharedBytes(20 * mib + 7)
  const aliceRelay = openRelay(await broker.connect(), alice)
  const bobRelay = openRelay(await broker.connect(), bob)
  await using server = await startServer(alice, aliceRelay.accept)
  server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
  const unreachable = { ...server.peerFor(bob, file.share), port: 1 }
  const { bytes, via } = await fetchAll(unreachable, file, { connectRelay: bobRelay.connect })
  t.is(via, 'relay')
  t.true(bytes.equals(file.bytes))
  // The fetcher has left, and its server hears of it.
  await waitFor(server.uploads, snapshot => uploadsStatus(snapshot).sessions === 0)
  bobRelay.close()
  aliceRelay.close()
})

test('A peer that is at no broker is lost for now, at once.', async t => {
  await using broker = await startOpenBroker()
  const bobRelay = openRelay(await broker.connect(), bob)
  const file = sharedBytes(mib)
  await using server = await startServer()
  using session = startSession({ ...server.peerFor(bob, file.share), port: 1 }, file, {
    connectRelay: bobRelay.connect,
  })
  t.like(await session.heard.next('peer.lost'), { final: false, reason: 'it is not connected to the brokers' })
})

test("A relayed peer is who the broker says it is: another's ticket does not let it in.", async t => {
  const broker = createMemoryBroker()
  const file = sharedBytes(mib)
  const aliceRelay = openRelay(broker.transport, alice)
  const carolRelay = openRelay(broker.transport, carol)
  await using server = await startServer(alice, aliceRelay.accept)
  server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
  const stolen = { ...server.peerFor(bob, file.share), port: 1 }
  using session = startSession(stolen, file, { connectRelay: carolRelay.connect, me: bob })
  t.like(await session.heard.next('peer.lost'), { final: true, reason: 'this ticket belongs to another device' })
  aliceRelay.close()
  carolRelay.close()
})

/** Two devices at one broker in memory, with a channel that bob has opened to alice. */
async function connected(settings: Partial<RelaySettings> = {}) {
  const broker = createMemoryBroker()
  const chosen = { ...relayTunables, ...settings }
  const aliceRelay = openRelay(broker.transport, alice, chosen)
  const bobRelay = openRelay(broker.transport, bob, chosen)
  const accepted = Promise.withResolvers<Duplex>()
  aliceRelay.accept(channel => accepted.resolve(channel))
  const ours = bobRelay.connect(alice)
  const theirs = await accepted.promise
  const close = () => {
    aliceRelay.close()
    bobRelay.close()
  }
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
      close()
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
  close()
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
  close()
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
  close()
})

test('The loss of the last chunk is noticed at the next heartbeat.', async t => {
  const { broker, ours, theirs, close } = await connected({ heartbeatEveryMs: 20 })
  broker.loses = (_, data) => decodeRelayMessage(data)?.type === 'data'
  const broken = once(theirs, 'error')
  theirs.resume()
  ours.write('all there is')
  const [error] = await broken
  t.is(error.message, 'the relay lost something')
  close()
})

test('A channel whose other side falls silent breaks; one with heartbeats lives.', async t => {
  const { broker, ours, theirs, close } = await connected({ heartbeatEveryMs: 20, silentAfterMs: 2_000 })
  // Heartbeats of either side, over more than the time after which silence is death.
  while (toAlice(broker, 'credit').length < 110 && !ours.destroyed && !theirs.destroyed) await new Promise(setImmediate)
  t.false(ours.destroyed || theirs.destroyed)
  broker.loses = () => true
  const [error] = await once(ours, 'error')
  t.is(error.message, 'the relay has gone silent')
  close()
})

/** Alice listening, and a hostile bob who publishes what he likes. */
function besieged(settings: Partial<RelaySettings> = {}) {
  const broker = createMemoryBroker()
  const relay = openRelay(broker.transport, alice, { ...relayTunables, ...settings })
  const accepted: Duplex[] = []
  relay.accept(channel => {
    channel.on('error', () => {})
    accepted.push(channel)
  })
  const say = (message: RelayMessage | Buffer, from = bob, channel = channelId) =>
    broker.transport.publish(
      relaySubject(alice, from, channel),
      Buffer.isBuffer(message) ? message : encodeRelayMessage(message),
    )
  const settle = () => settled(() => broker.published.length)
  const resets = () => broker.published.filter(({ data }) => decodeRelayMessage(data)?.type === 'reset').length
  return { relay, accepted, say, settle, resets }
}

const chunk = Buffer.alloc(relayTunables.chunkBytes)
const hostile: readonly (readonly [what: string, messages: readonly (RelayMessage | Buffer)[]])[] = [
  ['skips a chunk', [{ type: 'data', before: 1, chunk }]],
  [
    'sends a chunk twice',
    [
      { type: 'data', before: 0, chunk },
      { type: 'data', before: 0, chunk },
    ],
  ],
  ['takes more than it was sent', [{ type: 'credit', taken: 1, sent: 0 }]],
  ['claims to have sent more than came', [{ type: 'credit', taken: 0, sent: 5 }]],
  [
    'goes on after its end',
    [
      { type: 'end', sent: 0 },
      { type: 'data', before: 0, chunk },
    ],
  ],
  ['opens a channel twice', [{ type: 'open', version: 1 }]],
  ['sends noise', [Buffer.from('noise')]],
  ['sends a chunk that is too large', [Buffer.concat([Buffer.from([2, 0, 0, 0, 0]), chunk, Buffer.alloc(1)])]],
]
for (const [what, messages] of hostile)
  test(`A channel is broken off when its other side ${what}.`, async t => {
    const { relay, accepted, say, settle, resets } = besieged()
    say({ type: 'open', version: 1 })
    for (const message of messages) say(message)
    await settle()
    t.is(accepted.length, 1)
    t.true(accepted[0]!.destroyed)
    t.is(resets(), 1)
    relay.close()
  })

test('A flood of chunks is cut off at the window, and what follows is dropped.', async t => {
  const { relay, accepted, say, settle, resets } = besieged()
  say({ type: 'open', version: 1 })
  for (let before = 0; before < 100; before++) say({ type: 'data', before, chunk })
  await settle()
  t.true(accepted[0]!.destroyed)
  t.is(accepted[0]!.readableLength, 0)
  t.is(resets(), 1)
  relay.close()
})

test('The number of open channels is limited for each user and for all users together.', async t => {
  const { relay, accepted, say, settle, resets } = besieged({ maxChannels: 5, maxChannelsPerUser: 3 })
  const id = (index: number) => index.toString(16).padStart(32, '0')
  for (let index = 0; index < 10; index++) say({ type: 'open', version: 1 }, bob, id(index))
  await settle()
  t.is(accepted.length, 3)
  t.is(resets(), 7)
  for (let index = 0; index < 10; index++) say({ type: 'open', version: 1 }, carol, id(index))
  await settle()
  t.is(accepted.length, 5)
  accepted[0]!.destroy()
  await settle()
  say({ type: 'open', version: 1 }, bob, id(99))
  await settle()
  t.is(accepted.length, 6)
  relay.close()
})

test('Messages for unknown channels, of other versions or with strange addresses open no channel.', async t => {
  const { relay, accepted, say, settle } = besieged()
  say({ type: 'data', before: 0, chunk })
  say({ type: 'open', version: 2 })
  say({ type: 'open', version: 1 }, bob, 'not-a-channel')
  say({ type: 'open', version: 1 }, { user: 'bob', device: 'NOT A DEVICE' })
  say({ type: 'open', version: 1 }, bob, `${channelId}.more`)
  await settle()
  t.is(accepted.length, 0)
  relay.close()
})

test('A channel accepts messages only from its other side.', async t => {
  const { relay, accepted, say, settle } = besieged()
  say({ type: 'open', version: 1 })
  say({ type: 'reset' }, carol)
  say({ type: 'data', before: 7, chunk }, carol)
  await settle()
  t.false(accepted[0]!.destroyed)
  relay.close()
})

test('A request for a channel is refused when nothing accepts channels.', async t => {
  const broker = createMemoryBroker()
  const aliceRelay = openRelay(broker.transport, alice)
  const bobRelay = openRelay(broker.transport, bob)
  const [error] = await once(bobRelay.connect(alice), 'error')
  t.is(error.message, 'it broke off the relayed connection')
  aliceRelay.close()
  bobRelay.close()
})
