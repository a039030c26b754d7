import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { createServer, type TLSSocket } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import { peerTunables } from '../../../config/swarm.ts'
import { certify, createAuthority } from '../../../src/cluster/authority.ts'
import { createBitfield, fullBitfield } from '../../../src/domain/bitfield.ts'
import { encodeFrame } from '../../../src/wire/frame-codecs.ts'
import { encodeBlockHeader, type Frame } from '../../../src/wire/frames.ts'
import { startRawServer } from '../../helpers/raw-peer.ts'
import { alice, type SharedBytes, sharedBytes, startSession } from '../../helpers/swarm.ts'

const mib = 1024 * 1024
const bitfield = encodeFrame({ type: 'bitfield', have: fullBitfield(2) })
const nothing = encodeFrame({ type: 'bitfield', have: createBitfield(2) })
const blockOf = (piece: number, offset: number, length: number) =>
  Buffer.concat([encodeBlockHeader({ piece, offset, length }), Buffer.alloc(length)])

/** A peer that answers as told, and whether its session sees through it: lost for good, the wanted piece handed back. */
async function isSeenThrough(
  t: ExecutionContext,
  answer: (frame: Frame, socket: TLSSocket, file: SharedBytes) => void,
  why: RegExp,
) {
  const file = sharedBytes(mib)
  await using server = await startRawServer(file.share, file.manifest, (frame, socket) => answer(frame, socket, file))
  using session = startSession(server.peer, file, {}, event => {
    if (event.type === 'peer.ready') session.actor.send({ type: 'piece.wanted', piece: 0 })
  })
  const lost = await session.heard.next('peer.lost')
  t.true(lost.final)
  t.regex(lost.reason, why)
  t.false(session.heard.events.some(({ type }) => type === 'piece.received'))
  const wanted = session.heard.events.some(({ type }) => type === 'peer.ready')
  t.is(session.heard.events.filter(({ type }) => type === 'piece.returned').length, wanted ? 1 : 0)
}

const answers: readonly (readonly [what: string, onHello: Buffer, onRequest: Buffer, why: RegExp])[] = [
  ['a block that was not requested', bitfield, blockOf(1, 0, 100), /not requested/],
  ['a block shorter than asked for', bitfield, blockOf(0, 0, 100), /not as asked for/],
  ['a block at another offset', bitfield, blockOf(0, 7, 100), /not requested/],
  [
    'a refusal of what was not requested',
    bitfield,
    encodeFrame({ type: 'refused', piece: 1, offset: 0, why: 'gone' }),
    /not requested/,
  ],
  ['a second bitfield', bitfield, bitfield, /second bitfield/],
  ['an unchoke although it was not busy', bitfield, encodeFrame({ type: 'call' }), /it was not busy/],
  [
    'a limit that changes all the time',
    bitfield,
    Buffer.concat(Array.from({ length: 101 }, (_, at) => encodeFrame({ type: 'limit', bytesPerSecond: 1 + (at % 2) }))),
    /changes all the time/,
  ],
  ['a limit that limits nothing', bitfield, encodeFrame({ type: 'limit', bytesPerSecond: 2 ** 47 }), /limits nothing/],
  ['a limit before its bitfield', encodeFrame({ type: 'limit', bytesPerSecond: 1 }), bitfield, /before the bitfield/],
  [
    'a bitfield of the wrong size',
    encodeFrame({ type: 'bitfield', have: fullBitfield(20) }),
    bitfield,
    /bitfield frame/,
  ],
  [
    'a piece that it has announced before',
    bitfield,
    encodeFrame({ type: 'have', piece: 1 }),
    /piece 1 announced twice/,
  ],
  ['a piece before its bitfield', encodeFrame({ type: 'have', piece: 1 }), bitfield, /before the bitfield/],
  [
    'a frame that only a fetcher sends',
    bitfield,
    encodeFrame({ type: 'request', piece: 0, offset: 0, length: 1 }),
    /type 4/,
  ],
  ['noise', bitfield, Buffer.alloc(50, 0xaa), /protocol/],
]
for (const [what, onHello, onRequest, why] of answers)
  test(`A peer that sends ${what} is dropped for good.`, t =>
    isSeenThrough(
      t,
      (frame, socket) => {
        if (frame.type === 'hello') socket.write(onHello)
        else if (frame.type === 'request') socket.write(onRequest)
      },
      why,
    ))

test('A block that comes twice drops the peer for good.', t =>
  isSeenThrough(
    t,
    (frame, socket) => {
      if (frame.type === 'hello') socket.write(bitfield)
      if (frame.type !== 'request') return
      const block = blockOf(frame.piece, frame.offset, frame.length)
      socket.write(Buffer.concat([block, block]))
    },
    /not requested/,
  ))

test('A peer that goes silent loses its requests, and is tried again later.', async t => {
  const file = sharedBytes(mib)
  await using server = await startRawServer(file.share, file.manifest, (frame, socket) => {
    if (frame.type === 'hello') socket.write(bitfield)
    // The first half of a block, and then nothing more.
    if (frame.type === 'request' && frame.offset === 0) socket.write(blockOf(0, 0, frame.length).subarray(0, 60_000))
  })
  using session = startSession(server.peer, file, { settings: { ...peerTunables, silentAfterMs: 100 } })
  await session.heard.next('peer.ready')
  session.actor.send({ type: 'piece.wanted', piece: 0 })
  t.like(await session.heard.next('piece.returned'), { piece: 0, reason: 'it has gone silent, or nearly so' })
  t.like(await session.heard.next('peer.lost'), { final: false })
  await session.heard.next('peer.ready')
})

/** A peer that answers each request with one byte of its block every few milliseconds. */
const trickling = (frame: Frame, socket: TLSSocket) => {
  if (frame.type === 'hello') socket.write(bitfield)
  if (frame.type !== 'request' || frame.offset !== 0) return
  socket.write(encodeBlockHeader(frame))
  const drip = setInterval(() => socket.write(Buffer.alloc(1)), 5)
  socket.on('error', () => {}).once('close', () => clearInterval(drip))
}

test('A peer that trickles a byte now and then counts as silent and loses its piece.', async t => {
  const file = sharedBytes(mib)
  await using server = await startRawServer(file.share, file.manifest, trickling)
  using session = startSession(server.peer, file, { settings: { ...peerTunables, silentAfterMs: 1_000 } })
  await session.heard.next('peer.ready')
  session.actor.send({ type: 'piece.wanted', piece: 0 })
  t.like(await session.heard.next('piece.returned'), { piece: 0, reason: 'it has gone silent, or nearly so' })
  t.like(await session.heard.next('peer.lost'), { final: false })
})

test('A slow peer is measured before it has finished a block.', async t => {
  const file = sharedBytes(mib)
  await using server = await startRawServer(file.share, file.manifest, trickling)
  using peer = startSession(server.peer, file, { settings: { ...peerTunables, silentAfterMs: 4_000 } })
  t.like(await peer.heard.next('peer.capacity'), { bytesPerSecond: undefined })
  peer.actor.send({ type: 'piece.wanted', piece: 0 })
  const { bytesPerSecond } = await peer.heard.next('peer.capacity')
  t.true(bytesPerSecond !== undefined && bytesPerSecond < peerTunables.leastBytes, `${bytesPerSecond} bytes a second`)
  t.false(peer.heard.events.some(({ type }) => type === 'piece.received'))
})

test('A peer may be silent while nothing is requested from it.', async t => {
  const file = sharedBytes(mib)
  await using server = await startRawServer(file.share, file.manifest, (frame, socket) => {
    if (frame.type !== 'hello') return
    socket.write(nothing)
    setTimeout(() => socket.write(encodeFrame({ type: 'have', piece: 0 })), 300)
    setTimeout(() => socket.write(encodeFrame({ type: 'bye', retry: false, reason: 'bye' })), 301)
  })
  using session = startSession(server.peer, file, { settings: { ...peerTunables, silentAfterMs: 20 } })
  t.like(await session.heard.next('peer.lost'), { reason: 'bye', final: true })
})

test('A peer that refuses everything it says it has is left alone for a while.', async t => {
  const file = sharedBytes(mib)
  await using server = await startRawServer(file.share, file.manifest, (frame, socket) => {
    if (frame.type === 'hello') socket.write(bitfield)
    if (frame.type === 'request') socket.write(encodeFrame({ ...frame, type: 'refused', why: 'gone' }))
  })
  using session = startSession(server.peer, file)
  await session.heard.next('peer.ready')
  const lost = session.heard.next('peer.lost')
  for (let ended = false; !ended; ) {
    session.actor.send({ type: 'piece.wanted', piece: 0 })
    ended = await Promise.race([lost.then(() => true), session.heard.next('piece.returned').then(() => false)])
  }
  t.like(await lost, { final: false, reason: 'it refuses what it says it has' })
})

test('A peer that announces a piece over and over announces it once, and is dropped for good.', async t => {
  const file = sharedBytes(mib)
  const have = encodeFrame({ type: 'have', piece: 1 })
  await using server = await startRawServer(file.share, file.manifest, (frame, socket) => {
    if (frame.type === 'hello') socket.write(Buffer.concat([nothing, have, have, have]))
  })
  using session = startSession(server.peer, file)
  t.like(await session.heard.next('peer.lost'), { final: true })
  t.is(session.heard.events.filter(({ type }) => type === 'peer.have').length, 1)
})

test('A peer that sends a TLS record a byte is dropped for good, however quick it is.', t =>
  isSeenThrough(
    t,
    (frame, socket) => {
      if (frame.type === 'hello') socket.write(bitfield)
      if (frame.type !== 'request' || frame.offset !== 0) return
      const byte = Buffer.alloc(1)
      const next = (error?: Error | null) => void (error || socket.write(byte, next))
      socket.on('error', () => {}).write(encodeBlockHeader(frame), next)
    },
    /small reads/,
  ))

const old = {
  'of its own choice of group, by an older TLS': {
    ciphers: 'DHE-PSK-AES128-GCM-SHA256',
    maxVersion: 'TLSv1.2',
    dhparam: 'auto',
  },
  'with a group that we did not name': { ecdhCurve: 'P-384' },
} as const
for (const [what, options] of Object.entries(old))
  test(`A TLS handshake with a key exchange ${what} fails.`, async t => {
    const psk = randomBytes(32)
    const server = createServer({ ...options, pskCallback: () => psk })
    const failed = once(server, 'tlsClientError')
    server.on('secureConnection', () => t.fail('it got one'))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const ticket = { identity: 'a ticket', key: psk.toString('base64url') }
    using session = startSession({ ...alice, host: '127.0.0.1', port, complete: true, ticket }, sharedBytes(mib))
    await Promise.all([failed, session.heard.next('peer.lost')])
    t.false(session.heard.events.some(({ type }) => type === 'peer.ready'))
    server.close()
  })

test('A peer that presents a certificate instead of proving its ticket is refused.', async t => {
  const { chain: certificate, key } = await certify(await createAuthority(), ['127.0.0.1'])
  const server = createServer({ cert: certificate, key })
  const heard: Buffer[] = []
  server.on('secureConnection', socket => socket.on('error', () => {}).on('data', (bytes: Buffer) => heard.push(bytes)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const ticket = { identity: 'a ticket', key: randomBytes(32).toString('base64url') }
  const peer = { ...alice, host: '127.0.0.1', port, complete: true, ticket }
  // What it says of a way that failed is kept for when the relay fails, too.
  using session = startSession(peer, sharedBytes(mib), { connectRelay: () => connect(port, '127.0.0.1') })
  t.like(await session.heard.next('peer.lost'), { final: true, reason: 'what answers there is not Shoal' })
  t.deepEqual(heard, [])
  server.close()
})
