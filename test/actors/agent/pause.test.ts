// Pausing stops the traffic: a real library, disk and socket, and a peer that sends only what the test lets it.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import pino from 'pino'
import { createActor } from 'xstate'
import { createDownloads } from '../../../src/actors/agent/downloads.ts'
import { createOfferTable } from '../../../src/actors/agent/offer-table.ts'
import type { TrackerClient } from '../../../src/actors/client/tracker-client.ts'
import { createBufferPool } from '../../../src/actors/swarm/buffer-pool.ts'
import { fullBitfield } from '../../../src/domain/bitfield.ts'
import { pieceCount } from '../../../src/domain/manifest.ts'
import { done } from '../../../src/domain/refusal.ts'
import { openLibrary } from '../../../src/storage/library.ts'
import { encodeFrame } from '../../../src/wire/frame-codecs.ts'
import { type Block, encodeBlockHeader } from '../../../src/wire/frames.ts'
import { startRawServer } from '../../helpers/raw-peer.ts'
import { bob, group, noRelay, sharedBytes } from '../../helpers/swarm.ts'
import { tempFolder } from '../../helpers/temp-folder.ts'

const file = sharedBytes(16 * 2 ** 20)
const firstPiece = file.manifest.pieceLength

/** A peer that sends the blocks of the first piece requested from it, and holds back all others: at least four. */
async function startHoldingBack(t: ExecutionContext) {
  const requests: Block[] = []
  const held: Block[] = []
  const sockets: TLSSocket[] = []
  const send = (socket: TLSSocket, block: Block) => {
    const at = block.piece * file.manifest.pieceLength + block.offset
    socket.write(Buffer.concat([encodeBlockHeader(block), file.bytes.subarray(at, at + block.length)]))
  }
  const server = await startRawServer(file.share, file.manifest, (frame, socket) => {
    if (frame.type === 'hello') {
      sockets.push(socket.on('error', () => {}))
      socket.write(encodeFrame({ type: 'bitfield', have: fullBitfield(pieceCount(file.manifest)) }))
    }
    if (frame.type !== 'request') return
    requests.push(frame)
    if (frame.piece === requests[0]!.piece) send(socket, frame)
    else held.push(frame)
  })
  t.teardown(() => server[Symbol.asyncDispose]())
  return { peer: server.peer, requests, held, sockets, send }
}

test('After a pause, no block is requested, and blocks in flight are not counted.', async t => {
  const { peer, requests, held, sockets, send } = await startHoldingBack(t)
  const folder = tempFolder(t)
  mkdirSync(join(folder, 'films'))
  const library = openLibrary(join(folder, 'library.db'))
  const downloads = createDownloads({
    user: 'bob',
    library,
    trackers: { ask: async () => done({ ...file, peers: [peer], sharers: 1 }) } as unknown as TrackerClient,
    offers: createOfferTable(() => {}),
    shareRegistry: { adopt() {} },
    peers: { me: bob, connectRelay: noRelay, buffers: createBufferPool(0) },
    log: pino({ level: 'silent' }),
  })
  const queue = createActor(downloads.logic).start()
  t.teardown(() => {
    queue.stop()
    library.close()
  })
  const begun = await downloads.add({ group, name: 'file.bin', destination: join(folder, 'films'), overwrite: false })
  const id = begun.ok ? begun.value.id : 0
  while (downloads.view(id)?.pieces.done !== 1 || held.length < 4) await new Promise(setImmediate)
  t.true(held.reduce((sum, { length }) => sum + length, 0) >= firstPiece, 'a whole piece is on its way')
  const asked = requests.length
  const closed = sockets.map(socket => new Promise(resolve => socket.once('close', resolve)))
  const pausing = downloads.pause(id)
  for (const block of held) send(sockets.at(-1)!, block)
  const paused = await pausing
  t.true(paused.ok && paused.value.state === 'paused')
  await Promise.all(closed)
  // Long enough for anything still to be sent over a new connection, or counted.
  for (let turn = 0; turn < 1000; turn += 1) await new Promise(setImmediate)
  t.is(requests.length, asked)
  t.like(downloads.view(id), { state: 'paused', pieces: { done: 1 }, fetchedBytes: firstPiece, peers: 0 })
  t.is(library.download(id)?.fetchedBytes, firstPiece)
  t.is(library.download(id)?.verified.count, 1)
})
