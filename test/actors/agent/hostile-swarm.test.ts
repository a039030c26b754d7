// Whole downloads, with the real machine, sessions, store and sockets, beside one peer that is fair and one that is not:
// the file arrives identical, by the fair one, and afterwards nothing of the other is left.

import { once } from 'node:events'
import { mkdirSync, readFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import pino from 'pino'
import { createActor } from 'xstate'
import { downloadTunables, peerTunables } from '../../../config/swarm.ts'
import { createDownloads } from '../../../src/actors/agent/downloads.ts'
import { createOfferTable } from '../../../src/actors/agent/offer-table.ts'
import type { TrackerClient } from '../../../src/actors/client/tracker-client.ts'
import { createBufferPool } from '../../../src/actors/swarm/buffer-pool.ts'
import { createBitfield, fullBitfield } from '../../../src/domain/bitfield.ts'
import { type DeviceRef, deviceKey } from '../../../src/domain/device-ref.ts'
import { pieceCount } from '../../../src/domain/manifest.ts'
import { done } from '../../../src/domain/refusal.ts'
import { openLibrary } from '../../../src/storage/library.ts'
import type { DownloadView } from '../../../src/wire/agent-api.ts'
import { encodeFrame } from '../../../src/wire/frame-codecs.ts'
import { type Block, encodeBlockHeader, type Frame } from '../../../src/wire/frames.ts'
import type { SwarmPeer } from '../../../src/wire/tracker-api.ts'
import { startRawServer } from '../../helpers/raw-peer.ts'
import { alice, bob, group, noRelay, offerOf, type SharedBytes, sharedBytes, startServer } from '../../helpers/swarm.ts'
import { tempFolder } from '../../helpers/temp-folder.ts'

const mib = 1024 * 1024
const mallory: DeviceRef = { user: 'mallory', device: 'mmmmmmmmmmmm' }
/** Long, so that no peer looks silent on a busy machine. Slow peers must have been overtaken by then. */
const silentAfterMs = 5_000

/** What keeps this process alive: timers and sockets, each once. */
const resources = () =>
  process.getActiveResourcesInfo().filter(name => /Timeout|TCP|TLS|FSReq|Stream/.test(name)).length

/** Downloads `file` as bob from the peers; what came of it, once it has completed. */
async function downloadFrom(t: ExecutionContext, file: SharedBytes, peers: readonly SwarmPeer[]) {
  const folder = tempFolder(t)
  const destination = join(folder, 'films')
  mkdirSync(destination)
  const library = openLibrary(join(folder, 'library.db'))
  const { share, manifest } = file
  const downloads = createDownloads({
    user: bob.user,
    library,
    trackers: { ask: async () => done({ share, manifest, peers, sharers: peers.length }) } as unknown as TrackerClient,
    offers: createOfferTable(() => {}),
    shareRegistry: { adopt() {} },
    peers: {
      me: bob,
      connectRelay: noRelay,
      buffers: createBufferPool(mib),
      settings: { ...peerTunables, silentAfterMs },
    },
    log: pino({ level: 'silent' }),
  })
  const queue = createActor(downloads.logic).start()
  const begun = await downloads.add({ group, name: manifest.name, destination, overwrite: false })
  if (!begun.ok) throw new Error(begun.message)
  const { id } = begun.value
  let mostInFlight = 0
  let mostOfMallory = 0
  queue
    .getSnapshot()
    .context.running.get(id)
    ?.actor.subscribe(snapshot => {
      const { picker } = snapshot.context.ledger
      mostInFlight = Math.max(mostInFlight, picker?.inFlight ?? 0)
      mostOfMallory = Math.max(mostOfMallory, picker?.inFlightAt(deviceKey(mallory)).length ?? 0)
    })
  while (!['completed', 'failed'].includes(downloads.view(id)?.state ?? '')) await delay(10)
  const view = downloads.view(id)!
  queue.stop()
  library.close()
  return { view, bytes: readFileSync(join(destination, manifest.name)), mostInFlight, mostOfMallory }
}

const deliveries = (view: DownloadView) => view.deliveries.map(({ user, pieces }) => [user, pieces])

type Answer = (frame: Frame, socket: TLSSocket, file: SharedBytes, struck: () => void) => void

const blockOf = (block: Block, bytes: Buffer = Buffer.alloc(block.length)) =>
  Buffer.concat([encodeBlockHeader(block), bytes])

/** Says that it has all of the file, and then answers requests so. */
const announcing =
  (answer: (block: Block, socket: TLSSocket, file: SharedBytes) => void): Answer =>
  (frame, socket, file, struck) => {
    const have = fullBitfield(pieceCount(file.manifest))
    if (frame.type === 'hello') socket.write(encodeFrame({ type: 'bitfield', have }))
    if (frame.type !== 'request') return
    answer(frame, socket, file)
    struck()
  }

/** Sends that at once, before anything was asked. */
const blurting =
  (bytes: Buffer): Answer =>
  (frame, socket, _, struck) => {
    if (frame.type !== 'hello') return
    socket.write(bytes)
    struck()
  }

/** Writes `bytes` in portions, one every `everyMs`, until the socket closes; 0 waits for the one before alone. */
function portion(socket: Socket, bytes: Buffer, portionBytes: number, everyMs: number): void {
  let at = 0
  const next = (error?: Error | null) => {
    if (error || socket.destroyed || at >= bytes.length) return
    const from = at
    at += portionBytes
    socket.write(bytes.subarray(from, at), everyMs === 0 ? next : undefined)
    if (everyMs > 0) setTimeout(next, everyMs)
  }
  next()
}

/** Right bytes, too slow to be worth waiting for, and too fast to count as silent. */
const slowly = announcing(({ piece, offset, length }, socket, { bytes, manifest }) => {
  const start = piece * manifest.pieceLength + offset
  const block = blockOf({ piece, offset, length }, bytes.subarray(start, start + length))
  if (offset === 0) portion(socket, block, peerTunables.leastBytes, silentAfterMs / 3)
})

const trickling = announcing((block, socket) => portion(socket, blockOf(block), 1, 20))

const have = encodeFrame({ type: 'have', piece: 0 })
const hostiles: readonly (readonly [what: string, answer: Answer])[] = [
  [
    'refuses each block',
    announcing((block, socket) => socket.write(encodeFrame({ ...block, type: 'refused', why: 'gone' }))),
  ],
  ['answers no request', announcing(() => {})],
  ['hangs up at each request', announcing((_, socket) => socket.destroy())],
  [
    'sends blocks nobody asked for',
    announcing(({ piece }, socket) => socket.write(blockOf({ piece, offset: 7, length: 9 }))),
  ],
  ['sends wrong lengths', announcing((block, socket) => socket.write(blockOf({ ...block, length: 9 })))],
  ['sends wrong bytes', announcing((block, socket) => socket.write(blockOf(block)))],
  ['sends a byte now and then', trickling],
  ['sends a TLS record a byte', announcing((block, socket) => portion(socket, blockOf(block), 1, 0))],
  ['is slow, but not so slow as to be silent', slowly],
  ['sends a bitfield of the wrong size', blurting(encodeFrame({ type: 'bitfield', have: fullBitfield(80) }))],
  ['says nothing of what it has', blurting(Buffer.alloc(0))],
  [
    'announces one piece for ever',
    blurting(
      Buffer.concat([
        encodeFrame({ type: 'bitfield', have: createBitfield(8) }),
        ...Array.from({ length: 50_000 }, () => have),
      ]),
    ),
  ],
  [
    'asks for blocks itself',
    blurting(
      Buffer.concat(
        Array.from({ length: 10_000 }, () => encodeFrame({ type: 'request', piece: 0, offset: 0, length: 1 })),
      ),
    ),
  ],
]

/** A fair peer that hands nothing over until the hostile one had its turn, and says when it was first asked. */
async function startFair(file: SharedBytes, turn: Promise<void>) {
  const server = await startServer(alice)
  const offer = offerOf(file)
  const asked = Promise.withResolvers<void>()
  const read: typeof offer.read = async (...block) => {
    asked.resolve()
    await turn
    return offer.read(...block)
  }
  server.uploads.send({ type: 'offer.added', offer: { ...offer, read } })
  return { server, asked: asked.promise, peer: server.peerFor(bob, file.share) }
}

for (const [what, answer] of hostiles)
  test.serial(`A download completes beside a peer that ${what}, and leaves no resource open.`, async t => {
    const before = resources()
    const file = sharedBytes(4 * mib)
    const struck = Promise.withResolvers<void>()
    const fair = await startFair(file, struck.promise)
    const hostile = await startRawServer(
      file.share,
      file.manifest,
      (frame, socket) => answer(frame, socket, file, struck.resolve),
      mallory,
    )
    const came = await downloadFrom(t, file, [hostile.peer, fair.peer])
    await fair.server[Symbol.asyncDispose]()
    await hostile[Symbol.asyncDispose]()

    t.is(came.view.state, 'completed')
    t.true(came.bytes.equals(file.bytes))
    t.deepEqual(deliveries(came.view), [['alice', 8]])
    t.true(came.mostOfMallory <= downloadTunables.maxPiecesPerPeer)
    t.true(came.mostInFlight * file.manifest.pieceLength <= downloadTunables.maxUnwrittenBytes)
    t.is(hostile.mostOpen(), 1)
    while (resources() > before) await delay(10)
  })

for (const [what, answer] of [
  ['that is slow', slowly],
  ['that sends a byte now and then', trickling],
] as const)
  test.serial(`A peer ${what} does not hold up the last piece, even if it was the last one asked for it.`, async t => {
    const file = sharedBytes(mib)
    const struck = Promise.withResolvers<void>()
    const fair = await startFair(file, struck.promise)
    const sockets = new Set<TLSSocket>()
    const slow = await startRawServer(
      file.share,
      file.manifest,
      async (frame, socket) => {
        sockets.add(socket)
        await fair.asked
        answer(frame, socket, file, struck.resolve)
      },
      mallory,
    )
    const came = await downloadFrom(t, file, [fair.peer, slow.peer])
    await fair.server[Symbol.asyncDispose]()
    await slow[Symbol.asyncDispose]()

    t.true(came.bytes.equals(file.bytes))
    t.is(came.mostOfMallory, 1)
    for (const socket of sockets) t.true(socket.bytesWritten < peerTunables.blockBytes, 'it was not waited for')
    t.deepEqual(deliveries(came.view), [['alice', 2]])
  })

for (const [what, greet] of [
  ['lets connect and says nothing', () => {}],
  [
    'trickles its half of a TLS handshake',
    (socket: Socket) => portion(socket, Buffer.from('16030340000200', 'hex'), 1, 20),
  ],
] as const)
  test.serial(`A download completes beside an address that ${what}, and leaves no resource open.`, async t => {
    const before = resources()
    const file = sharedBytes(mib)
    const struck = Promise.withResolvers<void>()
    const fair = await startFair(file, struck.promise)
    const sockets: Socket[] = []
    const dead = createServer(socket => {
      sockets.push(socket.on('error', () => {}).resume())
      greet(socket)
      struck.resolve()
    }).listen(0, '127.0.0.1')
    await once(dead, 'listening')
    const { port } = dead.address() as AddressInfo
    const came = await downloadFrom(t, file, [{ ...fair.peer, ...mallory, port }, fair.peer])
    await fair.server[Symbol.asyncDispose]()
    dead.close()

    t.true(came.bytes.equals(file.bytes))
    t.deepEqual(deliveries(came.view), [['alice', 2]])
    t.is(sockets.length, 1)
    while (resources() > before) await delay(10)
  })
