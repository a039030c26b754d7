import { once } from 'node:events'
import { connect } from 'node:net'
import { type Duplex, duplexPair } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { peerTunables, uploadTunables } from '../../../config/swarm.ts'
import { createBitfield } from '../../../src/domain/bitfield.ts'
import type { DeviceRef } from '../../../src/domain/device-ref.ts'
import type { Offer } from '../../../src/machines/swarm-protocol.ts'
import { uploadsStatus } from '../../../src/machines/uploads.ts'
import { totalBytes } from '../../../src/storage/read-fully.ts'
import { encodeFrame } from '../../../src/wire/frame-codecs.ts'
import { encodeBlockHeader } from '../../../src/wire/frames.ts'
import { closed } from '../../helpers/closed.ts'
import { startRawFetcher } from '../../helpers/raw-peer.ts'
import { settled } from '../../helpers/settled.ts'
import { alice, bob, offerOf, sharedBytes, startServer, startSession } from '../../helpers/swarm.ts'

const mib = 1024 * 1024
/** A relay by which bob comes in over `channel`: a pipe without the kernel's buffers. */
const relayedAs = (channel: Duplex) => (accept: (channel: Duplex, from: DeviceRef) => void) => {
  accept(channel, bob)
  return () => {}
}
const carol = { user: 'carol', device: 'cccccccccccc' }
const blockBytes = peerTunables.blockBytes

test('A peer that connects and says nothing is disconnected.', async t => {
  await using server = await startServer(alice, undefined, { settings: { ...uploadTunables, provenWithinMs: 50 } })
  const socket = connect(server.port, '127.0.0.1')
  await closed(socket.resume())
  t.pass()
})

test('A peer that shows a ticket and then says nothing is disconnected.', async t => {
  const file = sharedBytes(mib)
  await using server = await startServer()
  server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
  using fetcher = await startRawFetcher(server.peerFor(bob, file.share), file.manifest)
  await fetcher.closed
  t.deepEqual(fetcher.frames, [])
})

test('A peer that trickles its TLS handshake is also disconnected.', async t => {
  await using server = await startServer(alice, undefined, { settings: { ...uploadTunables, provenWithinMs: 500 } })
  const socket = connect(server.port, '127.0.0.1')
  // The head of a TLS record of 16 KiB, and then a byte now and then: never enough.
  socket.write(Buffer.from('1603014000', 'hex'))
  const drip = setInterval(() => socket.write(Buffer.alloc(1)), 50)
  await closed(socket.resume())
  clearInterval(drip)
  t.pass()
})

test('A peer that trickles its hello is also disconnected.', async t => {
  const file = sharedBytes(mib)
  for (let provenWithinMs = 1_000; ; provenWithinMs *= 2) {
    await using server = await startServer(alice, undefined, { settings: { ...uploadTunables, provenWithinMs } })
    server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
    const fetcher = await startRawFetcher(server.peerFor(bob, file.share), file.manifest).catch(() => undefined)
    // A busy machine may take longer to connect than the listener waits.
    if (!fetcher) continue
    using _ = fetcher
    fetcher.socket.write(encodeFrame({ type: 'hello', holder: bob }).subarray(0, 5))
    const drip = setInterval(() => fetcher.socket.destroyed || fetcher.socket.write('a'), 200)
    await fetcher.closed
    clearInterval(drip)
    t.deepEqual(fetcher.frames, [])
    return
  }
})

test('A peer that does not speak TLS is disconnected.', async t => {
  await using server = await startServer()
  const socket = connect(server.port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\n\r\n')
  await closed(socket.resume())
  t.pass()
})

test('A peer that does not say hello first is disconnected.', async t => {
  const file = sharedBytes(mib)
  await using server = await startServer()
  server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
  using fetcher = await startRawFetcher(server.peerFor(bob, file.share), file.manifest)
  fetcher.send({ type: 'request', piece: 0, offset: 0, length: 1 })
  await fetcher.closed
  t.deepEqual(fetcher.frames, [])
})

test('Connections without a ticket beyond the limit are turned away, and a peer with one is admitted once they leave.', async t => {
  const file = sharedBytes(mib)
  await using server = await startServer(alice, undefined, { settings: { ...uploadTunables, provenWithinMs: 60_000 } })
  server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
  const tooMany = 5
  let turnedAway = 0
  const { promise, resolve } = Promise.withResolvers<void>()
  const idlers = Array.from({ length: uploadTunables.maxHandshakes + tooMany }, () =>
    connect(server.port, '127.0.0.1').resume(),
  )
  for (const idler of idlers) idler.on('error', () => {}).on('close', () => ++turnedAway === tooMany && resolve())
  await promise
  await settled(() => turnedAway)
  t.is(turnedAway, tooMany)
  for (const idler of idlers) idler.destroy()
  using peer = startSession(server.peerFor(bob, file.share), file)
  await peer.heard.next('peer.ready')
})

test('An origin that fills the listener with connections makes room for another origin.', async t => {
  const file = sharedBytes(mib)
  let knock: (channel: Duplex, from: DeviceRef) => void = () => {}
  await using server = await startServer(
    alice,
    accept => {
      knock = accept
      return () => {}
    },
    { settings: { ...uploadTunables, provenWithinMs: 60_000 } },
  )
  server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
  const gone: number[] = []
  const idlers = Array.from({ length: uploadTunables.maxHandshakes }, (_, index) =>
    connect(server.port, '127.0.0.1')
      .resume()
      .on('error', () => {})
      .on('close', () => gone.push(index)),
  )
  // Each is let in before the next one knocks, so that who came first is known.
  for (const idler of idlers) if (idler.connecting) await once(idler, 'connect')
  const oneMore = connect(server.port, '127.0.0.1').resume()
  await closed(oneMore)
  const [ours, theirs] = duplexPair()
  knock(theirs, bob)
  using fetcher = await startRawFetcher(server.peerFor(bob, file.share), file.manifest, bob, ours)
  await fetcher.next('bitfield')
  while (gone.length === 0) await delay(10)
  t.is(gone.length, 1)
  for (const idler of idlers) idler.destroy()
})

test('A peer that connects again and again is turned away for a while, and others are not.', async t => {
  const file = sharedBytes(mib)
  let knock: (channel: Duplex, from: DeviceRef) => void = () => {}
  await using server = await startServer(
    alice,
    accept => {
      knock = accept
      return () => {}
    },
    { settings: { ...uploadTunables, provenWithinMs: 60_000 } },
  )
  server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
  for (let times = 0; times < uploadTunables.maxArrivals; times++) {
    const caller = connect(server.port, '127.0.0.1')
    await once(caller, 'connect')
    caller.destroy()
  }
  await closed(connect(server.port, '127.0.0.1').resume())
  const [ours, theirs] = duplexPair()
  knock(theirs, bob)
  using fetcher = await startRawFetcher(server.peerFor(bob, file.share), file.manifest, bob, ours)
  t.truthy(await fetcher.next('bitfield'))
})

const nonsense: readonly (readonly [what: string, bytes: Buffer])[] = [
  ['bytes that are no frame', Buffer.alloc(64, 0x99)],
  ['a request beyond the end of the file', encodeFrame({ type: 'request', piece: 9, offset: 0, length: 1 })],
  ['a request of more than a block', encodeFrame({ type: 'request', piece: 0, offset: 0, length: blockBytes + 1 })],
  ['a block', Buffer.concat([encodeBlockHeader({ piece: 0, offset: 0, length: 1 }), Buffer.alloc(1)])],
  ['a second hello', encodeFrame({ type: 'hello', holder: bob })],
  ['what it has itself', encodeFrame({ type: 'bitfield', have: createBitfield(2) })],
  ['a cancel of what it has not asked for', encodeFrame({ type: 'cancel', piece: 0, offset: 0, length: 1 })],
  [
    'a request and its cancel over and over',
    Buffer.concat(
      Array.from({ length: uploadTunables.maxUnearnedRequests + 1 }, () => [
        encodeFrame({ type: 'request', piece: 0, offset: 0, length: 1 }),
        encodeFrame({ type: 'cancel', piece: 0, offset: 0, length: 1 }),
      ]).flat(),
    ),
  ],
]
for (const [what, bytes] of nonsense)
  test(`A peer that sends ${what} is told so and disconnected.`, async t => {
    const file = sharedBytes(mib)
    await using server = await startServer()
    server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
    using fetcher = await startRawFetcher(server.peerFor(bob, file.share), file.manifest, bob)
    await fetcher.next('bitfield')
    fetcher.socket.write(bytes)
    t.like(await fetcher.next('bye'), { retry: false, reason: 'you broke the protocol' })
    await fetcher.closed
  })

test('Bytes that a peer sends after it broke the protocol stay unread.', async t => {
  const file = sharedBytes(mib)
  const [ours, theirs] = duplexPair()
  await using server = await startServer(alice, relayedAs(theirs))
  server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
  using fetcher = await startRawFetcher(server.peerFor(bob, file.share), file.manifest, bob, ours)
  await fetcher.next('bitfield')
  let takenBytes = 0
  const noise = Buffer.alloc(64 * 1024, 0x55)
  const next = (error?: Error | null) => {
    if (error || fetcher.socket.destroyed) return
    fetcher.socket.write(noise, next)
    takenBytes += noise.length
  }
  next()
  while (uploadsStatus(server.uploads.getSnapshot()).sessions > 0) await delay(10)
  t.true(takenBytes < mib, `${takenBytes} bytes were taken`)
})

test('For a peer that does not read its blocks, only what fits its socket is read from the file, and nothing is lost.', async t => {
  const file = sharedBytes(16 * mib)
  const offer = offerOf(file)
  let readBytes = 0
  const [ours, theirs] = duplexPair()
  // Through a pipe without the kernel's buffers, so that what is read is what is held.
  await using server = await startServer(alice, accept => {
    accept(theirs, bob)
    return () => {}
  })
  server.uploads.send({
    type: 'offer.added',
    offer: {
      ...offer,
      read: (piece, offset, into) => {
        readBytes += totalBytes(into)
        return offer.read(piece, offset, into)
      },
    },
  })
  using fetcher = await startRawFetcher(server.peerFor(bob, file.share), file.manifest, bob, ours)
  await fetcher.next('bitfield')
  fetcher.socket.pause()
  for (let piece = 0; piece < 32; piece++)
    for (let offset = 0; offset < mib / 2; offset += blockBytes)
      fetcher.send({ type: 'request', piece, offset, length: blockBytes })
  await settled(() => readBytes)
  t.true(readBytes > 0)
  t.true(readBytes <= uploadTunables.highWaterBytes + 2 * uploadTunables.maxReadBytes, `${readBytes} bytes were read`)
  fetcher.socket.resume()
  await fetcher.arrived(file.manifest.size)
  t.is(readBytes, file.manifest.size)
})

for (const [how, offsetOf] of [
  ['one after the other', (count: number) => count],
  ['backwards', (count: number) => 999 - count],
] as const)
  test(`A peer that asks for a thousand small blocks ${how} and reads none does not increase the memory held.`, async t => {
    const file = sharedBytes(2 * mib)
    const offer = offerOf(file)
    const lent = new Map<ArrayBufferLike, number>()
    let reads = 0
    const [ours, theirs] = duplexPair()
    await using server = await startServer(alice, relayedAs(theirs))
    const read: typeof offer.read = (piece, offset, into) => {
      reads += 1
      for (const { buffer } of into) lent.set(buffer, buffer.byteLength)
      return offer.read(piece, offset, into)
    }
    server.uploads.send({ type: 'offer.added', offer: { ...offer, read } })
    using fetcher = await startRawFetcher(server.peerFor(bob, file.share), file.manifest, bob, ours)
    await fetcher.next('bitfield')
    fetcher.socket.pause()
    const length = 512
    for (let count = 0; count < 1_000; count++) {
      fetcher.send({ type: 'request', piece: 0, offset: offsetOf(count) * length, length })
      if (count % 100 === 99) await settled(() => reads)
    }
    const lentBytes = [...lent.values()].reduce((sum, bytes) => sum + bytes, 0)
    t.true(lentBytes <= uploadTunables.highWaterBytes + 2 * uploadTunables.maxReadBytes, `${lentBytes} bytes were lent`)
  })

test('A peer that keeps asking for missing pieces, and reads no refusal, is disconnected.', async t => {
  const file = sharedBytes(mib)
  const [ours, theirs] = duplexPair()
  await using server = await startServer(alice, accept => {
    accept(theirs, bob)
    return () => {}
  })
  server.uploads.send({ type: 'offer.added', offer: offerOf(file, createBitfield(2)) })
  using fetcher = await startRawFetcher(server.peerFor(bob, file.share), file.manifest, bob, ours)
  await fetcher.next('bitfield')
  fetcher.socket.pause()
  const request = encodeFrame({ type: 'request', piece: 1, offset: 0, length: 1 })
  const refusalBytes = 13
  const tooMany = Math.ceil((4 * uploadTunables.highWaterBytes) / refusalBytes)
  fetcher.socket.write(Buffer.concat(Array.from({ length: tooMany }, () => request)))
  while (uploadsStatus(server.uploads.getSnapshot()).sessions > 0) await delay(10)
  t.pass()
})

test('A peer that asks for one byte after another, and reads them all, is disconnected.', async t => {
  const file = sharedBytes(mib)
  await using server = await startServer()
  server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
  using fetcher = await startRawFetcher(server.peerFor(bob, file.share), file.manifest, bob)
  await fetcher.next('bitfield')
  const bye = fetcher.next('bye')
  let isOver = false
  bye.then(() => {
    isOver = true
  })
  let asked = 0
  for (; !isOver; await Promise.race([bye, fetcher.arrived(asked - 100)]))
    for (let count = 0; count < 100; count++, asked++)
      fetcher.send({ type: 'request', piece: 0, offset: asked, length: 1 })
  t.like(await bye, { retry: false, reason: 'you broke the protocol' })
  t.true(fetcher.blockBytes() <= uploadTunables.maxUnearnedRequests + 1)
})

test('A peer that keeps asking and reads nothing is disconnected, although little is sent to it.', async t => {
  const file = sharedBytes(8 * mib)
  const [ours, theirs] = duplexPair()
  await using server = await startServer(alice, relayedAs(theirs), {
    settings: { ...uploadTunables, idleAfterMs: 200 },
  })
  server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
  using fetcher = await startRawFetcher(server.peerFor(bob, file.share), file.manifest, bob, ours)
  await fetcher.next('bitfield')
  fetcher.socket.pause()
  // So much that the pipe does not hold it.
  for (let piece = 0; piece < 15; piece++)
    for (let offset = 0; offset < mib / 2; offset += blockBytes)
      fetcher.send({ type: 'request', piece, offset, length: blockBytes })
  const block = { piece: 15, offset: 0, length: 1 }
  let pairs = 0
  while (uploadsStatus(server.uploads.getSnapshot()).sessions > 0) {
    fetcher.send({ type: 'request', ...block })
    fetcher.send({ type: 'cancel', ...block })
    pairs += 1
    await delay(20)
  }
  t.true(pairs < uploadTunables.maxUnearnedRequests / 2, `${pairs} requests until it was let go`)
})

/** An offer whose reads wait until they are let through. */
function gatedOffer(file: ReturnType<typeof sharedBytes>, holds: (piece: number) => boolean) {
  const offer = offerOf(file)
  const gate = Promise.withResolvers<void>()
  const read: Offer['read'] = async (piece, offset, into) => {
    if (holds(piece)) await gate.promise
    return offer.read(piece, offset, into)
  }
  return { offer: { ...offer, read }, open: gate.resolve }
}

test('A peer that asks for more at once than it may is disconnected.', async t => {
  const file = sharedBytes(mib)
  const { offer, open } = gatedOffer(file, () => true)
  await using server = await startServer()
  server.uploads.send({ type: 'offer.added', offer })
  using fetcher = await startRawFetcher(server.peerFor(bob, file.share), file.manifest, bob)
  await fetcher.next('bitfield')
  for (let count = 0; count < uploadTunables.maxBlocksQueued + 2; count++)
    fetcher.send({ type: 'request', piece: 0, offset: count, length: 1 })
  t.like(await fetcher.next('bye'), { retry: false })
  open()
})

test('Cancelled blocks that are not on their way yet are refused, and the others arrive.', async t => {
  const file = sharedBytes(mib)
  const { offer, open } = gatedOffer(file, () => true)
  await using server = await startServer()
  server.uploads.send({ type: 'offer.added', offer })
  using fetcher = await startRawFetcher(server.peerFor(bob, file.share), file.manifest, bob)
  await fetcher.next('bitfield')
  const first = { piece: 0, offset: 0, length: 100 }
  const second = { piece: 1, offset: 0, length: 100 }
  fetcher.send({ type: 'request', ...first })
  fetcher.send({ type: 'request', ...second })
  fetcher.send({ type: 'cancel', ...second })
  t.like(await fetcher.next('refused'), { piece: 1, offset: 0 })
  open()
  await fetcher.arrived(100)
  fetcher.send({ type: 'bye', retry: false, reason: '' })
  await fetcher.closed
  t.is(fetcher.blockBytes(), 100)
})

test("One peer's slow reads do not hold up another's.", async t => {
  const file = sharedBytes(2 * mib)
  const { offer, open } = gatedOffer(file, piece => piece === 0)
  await using server = await startServer()
  server.uploads.send({ type: 'offer.added', offer })
  using slow = startSession(server.peerFor(bob, file.share), file)
  await slow.heard.next('peer.ready')
  slow.actor.send({ type: 'piece.wanted', piece: 0 })
  using quick = startSession(server.peerFor(carol, file.share), file, { me: carol })
  await quick.heard.next('peer.ready')
  quick.actor.send({ type: 'piece.wanted', piece: 1 })
  await quick.heard.next('piece.received')
  t.false(slow.heard.events.some(({ type }) => type === 'piece.received'))
  open()
  await slow.heard.next('piece.received')
})

test('A peer that asks for nothing for long is disconnected and may come back.', async t => {
  const file = sharedBytes(mib)
  await using server = await startServer(alice, undefined, { settings: { ...uploadTunables, idleAfterMs: 100 } })
  server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
  using fetcher = await startRawFetcher(server.peerFor(bob, file.share), file.manifest, bob)
  t.like(await fetcher.next('bye'), { retry: true, reason: 'nothing was asked for' })
  await fetcher.closed
})
