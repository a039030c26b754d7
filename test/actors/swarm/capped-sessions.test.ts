// Both ends of the byte path under a cap, over real sockets: the cap's clock is the test's, so what may have passed is
// known to the byte.

import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'
import test from 'ava'
import { downloadTunables, peerTunables } from '../../../config/swarm.ts'
import { createConnectionCap } from '../../../src/actors/swarm/connection-cap.ts'
import type { PeerConnectionNeeds } from '../../../src/actors/swarm/peer-connection.ts'
import { createThrottle } from '../../../src/actors/swarm/throttle.ts'
import { fullBitfield } from '../../../src/domain/bitfield.ts'
import { pieceCount } from '../../../src/domain/manifest.ts'
import { encodeFrame } from '../../../src/wire/frame-codecs.ts'
import { createFrameDecoder } from '../../../src/wire/frame-decoder.ts'
import { type Block, encodeBlockHeader, type Frame } from '../../../src/wire/frames.ts'
import { createLookout } from '../../helpers/lookout.ts'
import { type RawFetcher, startRawFetcher, startRawServer } from '../../helpers/raw-peer.ts'
import {
  alice,
  bob,
  fetchAll,
  offerOf,
  type SharedBytes,
  sharedBytes,
  startServer,
  startSession,
} from '../../helpers/swarm.ts'
import { virtualClock } from '../../helpers/virtual-clock.ts'

const mib = 2 ** 20
const block = peerTunables.blockBytes

/** A throttle that lets a block through a second, on a clock that the test moves. */
function blockASecond() {
  const clock = virtualClock()
  const throttle = createThrottle(clock)
  throttle.limit(block)
  return { clock, throttle }
}

const carol = { user: 'carol', device: 'cccccccccccc' }

/** Asks for the first blocks of a piece. */
const requestBlocks = (fetcher: { send(frame: Frame): void }, piece: number, blocks: number) => {
  for (let at = 0; at < blocks; at += 1) fetcher.send({ type: 'request', piece, offset: at * block, length: block })
}

/** What a server has of a file of eight pieces: all but the last. */
function allButTheLast() {
  const have = fullBitfield(8)
  have.remove(7)
  return have
}

/** Resolves when all that was sent before has been heard: by the answer to a question that needs no turn. */
async function roundTrip(fetcher: RawFetcher) {
  fetcher.send({ type: 'request', piece: 7, offset: 0, length: block })
  await fetcher.next('refused')
}

test('A capped server sends what its clock lets through, and all of it once the cap is lifted.', async t => {
  const file = sharedBytes(4 * mib)
  const { clock, throttle } = blockASecond()
  await using server = await startServer(alice, undefined, { throttle })
  server.uploads.send({ type: 'offer.added', offer: offerOf(file, allButTheLast()) })
  using fetcher = await startRawFetcher(server.peerFor(bob, file.share), file.manifest, bob)
  requestBlocks(fetcher, 0, 4)
  requestBlocks(fetcher, 1, 4)
  for (let blocks = 1; blocks <= 4; blocks += 1) {
    await fetcher.arrived(blocks * block)
    await roundTrip(fetcher)
    t.is(fetcher.blockBytes(), blocks * block)
    clock.advance(999)
    await roundTrip(fetcher)
    t.is(fetcher.blockBytes(), blocks * block)
    clock.advance(1)
  }
  throttle.limit(undefined)
  await fetcher.arrived(8 * block)
  t.is(fetcher.blockBytes(), 8 * block)
})

test('A cap set while a server is sending takes effect with the next block.', async t => {
  const file = sharedBytes(8 * mib)
  const clock = virtualClock()
  const throttle = createThrottle(clock)
  await using server = await startServer(alice, undefined, { throttle })
  server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
  using fetcher = await startRawFetcher(server.peerFor(bob, file.share), file.manifest, bob)
  requestBlocks(fetcher, 0, 4)
  await fetcher.arrived(4 * block)
  throttle.limit(block)
  requestBlocks(fetcher, 1, 4)
  await fetcher.arrived(5 * block)
  for (let blocks = 6; blocks <= 8; blocks += 1) {
    t.is(fetcher.blockBytes(), (blocks - 1) * block)
    clock.advance(1000)
    await fetcher.arrived(blocks * block)
  }
})

test('Peers of a capped server are served in turn.', async t => {
  const file = sharedBytes(4 * mib)
  const { clock, throttle } = blockASecond()
  await using server = await startServer(alice, undefined, { throttle })
  server.uploads.send({ type: 'offer.added', offer: offerOf(file, allButTheLast()) })
  using first = await startRawFetcher(server.peerFor(bob, file.share), file.manifest, bob)
  requestBlocks(first, 0, 4)
  await first.arrived(block)
  using second = await startRawFetcher(server.peerFor(carol, file.share), file.manifest, carol)
  requestBlocks(second, 1, 4)
  await roundTrip(second)
  const had = []
  for (let blocks = 0; blocks < 6; blocks += 1) {
    const [before, beforeToo] = [first.blockBytes(), second.blockBytes()]
    clock.advance(1000)
    await Promise.race([first.arrived(before + block), second.arrived(beforeToo + block)])
    // The peer that has been served waits again.
    await Promise.all([roundTrip(first), roundTrip(second)])
    had.push([first.blockBytes() / block, second.blockBytes() / block])
  }
  t.deepEqual(had, [
    [2, 0],
    [2, 1],
    [3, 1],
    [3, 2],
    [4, 2],
    [4, 3],
  ])
})

test('A block can be cancelled while it waits for the throttle, and then uses none of the cap.', async t => {
  const file = sharedBytes(4 * mib)
  const { clock, throttle } = blockASecond()
  await using server = await startServer(alice, undefined, { throttle })
  server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
  using fetcher = await startRawFetcher(server.peerFor(bob, file.share), file.manifest, bob)
  requestBlocks(fetcher, 0, 2)
  await fetcher.arrived(block)
  fetcher.send({ type: 'cancel', piece: 0, offset: block, length: block })
  t.like(await fetcher.next('refused'), { piece: 0, offset: block })
  clock.advance(1000)
  requestBlocks(fetcher, 1, 1)
  await fetcher.arrived(2 * block)
  t.pass()
})

/** A peer that has everything, and shows each request that it gets; it answers those that the test lets it answer. */
async function openBook(file: SharedBytes) {
  const requests: Block[] = []
  const answered = new Set<Block>()
  const { look, until } = createLookout()
  let latest: TLSSocket | undefined
  const server = await startRawServer(file.share, file.manifest, (frame, socket) => {
    latest = socket
    if (frame.type === 'hello')
      socket.write(encodeFrame({ type: 'bitfield', have: fullBitfield(pieceCount(file.manifest)) }))
    if (frame.type !== 'request') return
    requests.push(frame)
    look()
  })
  return {
    server,
    requests,
    asked: (count: number) => until(() => requests.length >= count),
    answer() {
      for (const request of requests.filter(one => !answered.has(one))) {
        answered.add(request)
        const { piece, offset, length } = request
        const at = piece * file.manifest.pieceLength + offset
        latest?.write(Buffer.concat([encodeBlockHeader(request), file.bytes.subarray(at, at + length)]))
      }
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
    },
  }
}

async function fetchFrom(
  book: Awaited<ReturnType<typeof openBook>>,
  file: SharedBytes,
  needs: Partial<PeerConnectionNeeds>,
) {
  const fetching = startSession(book.server.peer, file, needs)
  await fetching.heard.next('peer.ready')
  return fetching
}

test('Under a download cap no block is requested before the cap allows it, and the piece still arrives.', async t => {
  const file = sharedBytes(mib)
  const { clock, throttle } = blockASecond()
  await using book = await openBook(file)
  using fetching = await fetchFrom(book, file, { fetching: throttle })
  fetching.actor.send({ type: 'piece.wanted', piece: 0 })
  for (let blocks = 1; blocks <= 4; blocks += 1) {
    await book.asked(blocks)
    t.is(book.requests.length, blocks)
    book.answer()
    if (blocks < 4) clock.advance(1000)
  }
  const { data } = await fetching.heard.next('piece.received')
  t.true(data.equals(file.bytes.subarray(0, mib / 2)))
})

test('Lifting a download cap restores full requests, and setting one takes effect with the next request.', async t => {
  const file = sharedBytes(8 * mib)
  const { throttle } = blockASecond()
  await using book = await openBook(file)
  using fetching = await fetchFrom(book, file, { fetching: throttle })
  for (let piece = 0; piece < 8; piece += 1) fetching.actor.send({ type: 'piece.wanted', piece })
  await book.asked(1)
  throttle.limit(undefined)
  await book.asked(peerTunables.minBlocksInFlight)
  const before = book.requests.length
  throttle.limit(block)
  book.answer()
  await book.asked(before + 1)
  await fetching.heard.next('piece.received')
  t.is(book.requests.length, before + 1)
})

test('A peer that is not asked because of the cap does not count as silent; a peer that is asked does.', async t => {
  const file = sharedBytes(mib)
  const { clock, throttle } = blockASecond()
  await using book = await openBook(file)
  using waiting = await fetchFrom(book, file, { fetching: throttle, settings: { ...peerTunables, silentAfterMs: 600 } })
  waiting.actor.send({ type: 'piece.wanted', piece: 0 })
  await book.asked(1)
  book.answer()
  await using dumb = await openBook(file)
  using asking = await fetchFrom(dumb, file, { settings: { ...peerTunables, silentAfterMs: 600 } })
  asking.actor.send({ type: 'piece.wanted', piece: 0 })
  t.regex((await asking.heard.next('peer.lost')).reason, /gone silent/)
  t.false(waiting.heard.events.some(({ type }) => type === 'peer.lost'))
  clock.advance(1000)
  await book.asked(2)
})

test('A session that ends while its claim waits requests nothing, and leaves the claim to the next.', async t => {
  const file = sharedBytes(mib)
  const { clock, throttle } = blockASecond()
  await using book = await openBook(file)
  await using other = await openBook(file)
  using fetching = await fetchFrom(book, file, { fetching: throttle })
  fetching.actor.send({ type: 'piece.wanted', piece: 0 })
  await book.asked(1)
  using next = await fetchFrom(other, file, { fetching: throttle })
  next.actor.send({ type: 'piece.wanted', piece: 1 })
  fetching.actor.send({ type: 'session.close', reason: 'the download pauses' })
  clock.advance(1000)
  await other.asked(1)
  t.is(book.requests.length, 1)
})

test('Downloads take turns under a cap, and each finishes the piece it began first.', async t => {
  const [film, note] = [sharedBytes(2 * mib), sharedBytes(mib / 4)]
  const { clock, throttle } = blockASecond()
  await using one = await openBook(film)
  await using other = await openBook(film)
  await using small = await openBook(note)
  using first = await fetchFrom(one, film, { fetching: throttle })
  first.actor.send({ type: 'piece.wanted', piece: 0 })
  await one.asked(1)
  using second = await fetchFrom(other, film, { fetching: throttle })
  second.actor.send({ type: 'piece.wanted', piece: 1 })
  using third = await fetchFrom(small, note, { fetching: throttle })
  third.actor.send({ type: 'piece.wanted', piece: 0 })
  const step = async (book: typeof one, blocks: number) => {
    one.answer()
    clock.advance(1000)
    await book.asked(blocks)
  }
  await step(small, 1)
  await step(one, 2)
  await step(small, 2)
  await step(one, 3)
  await step(one, 4)
  t.is(other.requests.length, 0)
  await step(other, 1)
})

test('A fetcher that waits because of a cap is told of the cap, of its change, and of its end.', async t => {
  const file = sharedBytes(4 * mib)
  const { clock, throttle } = blockASecond()
  await using server = await startServer(alice, undefined, { throttle })
  server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
  using session = startSession(server.peerFor(bob, file.share), file)
  await session.heard.next('peer.ready')
  session.actor.send({ type: 'piece.wanted', piece: 0 })
  t.like(await session.heard.next('peer.limited'), { peer: 'alice/aaaaaaaaaaaa', bytesPerSecond: block })
  throttle.limit(2 * block)
  clock.advance(1000)
  t.like(await session.heard.next('peer.limited'), { bytesPerSecond: 2 * block })
  throttle.limit(undefined)
  t.like(await session.heard.next('peer.limited'), { bytesPerSecond: 0 })
  await session.heard.next('piece.received')
  t.is(session.heard.events.filter(({ type }) => type === 'peer.limited').length, 3)
})

test('A cap that delays nothing is never announced.', async t => {
  const file = sharedBytes(mib)
  const throttle = createThrottle(virtualClock())
  throttle.limit(1000 * mib)
  await using server = await startServer(alice, undefined, { throttle })
  server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
  using session = startSession(server.peerFor(bob, file.share), file)
  await session.heard.next('peer.ready')
  session.actor.send({ type: 'piece.wanted', piece: 0 })
  await session.heard.next('piece.received')
  t.false(session.heard.events.some(({ type }) => type === 'peer.limited'))
})

test('A fetcher older than limit notices is served, and is sent no frame that it does not know.', async t => {
  const file = sharedBytes(4 * mib)
  const { clock, throttle } = blockASecond()
  await using server = await startServer(alice, undefined, { throttle })
  server.uploads.send({ type: 'offer.added', offer: offerOf(file, allButTheLast()) })
  const peer = server.peerFor(bob, file.share)
  const { key, identity } = peer.ticket
  const socket = connect({
    host: peer.host,
    port: peer.port,
    ciphers: 'TLS_AES_128_GCM_SHA256',
    minVersion: 'TLSv1.3',
    pskCallback: () => ({ psk: Buffer.from(key, 'base64url'), identity }),
    checkServerIdentity: () => undefined,
  })
  t.teardown(() => socket.destroy())
  const types: string[] = []
  const known = ['bitfield', 'have', 'block', 'refused', 'call', 'fresh', 'bye'] as const
  const came: (() => void)[] = []
  const decoder = createFrameDecoder(known, file.manifest, {
    onFrame: ({ type }) => {
      types.push(type)
      if (type === 'refused') came.shift()?.()
    },
    onBlock: () => {
      types.push('block')
      came.shift()?.()
    },
  })
  const [first, refused, second] = [0, 1, 2].map(() => new Promise<void>(resolve => came.push(resolve)))
  socket.on('data', (data: Buffer) => decoder.write(data))
  await once(socket, 'secureConnect')
  socket.write(encodeFrame({ type: 'hello', holder: bob }))
  for (const at of [0, 1]) socket.write(encodeFrame({ type: 'request', piece: 0, offset: at * block, length: block }))
  await first
  // It waits by now: the answer to a question that needs no turn is here.
  socket.write(encodeFrame({ type: 'request', piece: 7, offset: 0, length: block }))
  await refused
  clock.advance(1000)
  await second
  t.deepEqual(types, ['bitfield', 'block', 'refused', 'block'])
})

test('A file arrives whole under caps at both ends.', async t => {
  const file = sharedBytes(3 * mib + 5)
  const [up, down] = [createThrottle(), createThrottle()]
  up.limit(64 * mib)
  down.limit(64 * mib)
  await using server = await startServer(alice, undefined, { throttle: up })
  server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
  const { bytes } = await fetchAll(server.peerFor(bob, file.share), file, { fetching: down })
  t.true(bytes.equals(file.bytes))
})

test('At the connection cap a session does not connect, and says so; a lowered cap ends the latest sessions.', async t => {
  const file = sharedBytes(mib)
  const connections = createConnectionCap()
  await using book = await openBook(file)
  using first = await fetchFrom(book, file, { connections })
  const open = Array.from({ length: 5 }, () => connections.enter('another', () => {}))
  using second = await fetchFrom(book, file, { connections })
  connections.limit(downloadTunables.maxRunning)
  t.like(await second.heard.next('peer.lost'), {
    final: false,
    reason: 'this device has as many peers as its limit allows',
  })
  t.is(open.length, 5)
  using third = startSession(book.server.peer, file, { connections })
  t.regex((await third.heard.next('peer.lost')).reason, /as many peers/)
  t.false(first.heard.events.some(({ type }) => type === 'peer.lost'))
})
