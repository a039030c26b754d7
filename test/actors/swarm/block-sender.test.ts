import test from 'ava'
import { peerTunables, uploadTunables } from '../../../config/swarm.ts'
import { createBlockQueue, mostBlocksOfARead } from '../../../src/actors/swarm/block-queue.ts'
import { BlockSender } from '../../../src/actors/swarm/block-sender.ts'
import { createBufferPool } from '../../../src/actors/swarm/buffer-pool.ts'
import { LimitNotice } from '../../../src/actors/swarm/limit-notice.ts'
import type { Claim, Throttle } from '../../../src/actors/swarm/throttle.ts'
import { pieceCount } from '../../../src/domain/manifest.ts'
import { createFrameDecoder } from '../../../src/wire/frame-decoder.ts'
import type { Block } from '../../../src/wire/frames.ts'
import { offerOf, sharedBytes } from '../../helpers/swarm.ts'

const { blockBytes } = peerTunables
const file = sharedBytes(8 * 1024 * 1024)
const { pieceLength } = file.manifest

/** A sender whose throttle and peer the test plays. `takeIn` lets the peer take in what was written first. */
function start({ bytesPerSecond, read }: { bytesPerSecond?: number; read?: () => Promise<void> } = {}) {
  const queue = createBlockQueue(file.manifest)
  const claims: Claim[] = []
  const throttle: Throttle = {
    isCapped: bytesPerSecond !== undefined,
    bytesPerSecond,
    claim: claim => void claims.push(claim),
  }
  const written: Buffer[] = []
  const untaken: (() => void)[] = []
  const notices: number[] = []
  const failed: Block[] = []
  let served = 0
  const sender = new BlockSender({
    id: 'a session',
    queue,
    buffers: createBufferPool(0),
    throttle,
    limitNotice: new LimitNotice(throttle, limit => notices.push(limit)),
    offer: () => ({ ...offerOf(file), ...(read && { read }) }),
    write(bytes, done) {
      written.push(Buffer.from(bytes))
      untaken.push(done)
    },
    onServed: bytes => {
      served += bytes
    },
    onTaken: () => {},
    onReadFailed: blocks => failed.push(...blocks),
  })
  const request = (piece: number) => {
    for (let offset = 0; offset < pieceLength; offset += blockBytes) {
      const block = { piece, offset, length: blockBytes }
      if (queue.asked(block) === 'undecided') queue.accepted(block)
    }
    queue.begin(piece)
  }
  const takeIn = () => untaken.shift()?.()
  return { sender, queue, claims, written, notices, failed, request, takeIn, served: () => served }
}

/** The blocks that were written, whose bytes must be the file's. */
function blocksIn(written: readonly Buffer[]): Block[] {
  const bytes = Buffer.alloc(file.manifest.size)
  const blocks: Block[] = []
  const decoder = createFrameDecoder(['block'], file.manifest, {
    onFrame: () => {},
    blockTarget: ({ piece, offset, length }) =>
      bytes.subarray(piece * pieceLength + offset, piece * pieceLength + offset + length),
    onBlock: block => void blocks.push(block),
  })
  for (const each of written) decoder.write(each)
  for (const { piece, offset, length } of blocks) {
    const at = piece * pieceLength + offset
    if (!bytes.subarray(at, at + length).equals(file.bytes.subarray(at, at + length))) throw new Error('other bytes')
  }
  return blocks
}

test('Neighbouring blocks are read and written together, each behind its header.', async t => {
  const { sender, request, written, served } = start()
  request(1)
  await sender.send()
  t.is(written.length, Math.ceil(pieceLength / blockBytes / mostBlocksOfARead))
  t.deepEqual(
    blocksIn(written).map(({ piece, offset }) => [piece, offset]),
    Array.from({ length: pieceLength / blockBytes }, (_, index) => [1, index * blockBytes]),
  )
  t.is(served(), pieceLength)
})

test('A peer that reads nothing is sent at most the high-water mark and one read.', async t => {
  const { sender, request, served, takeIn } = start()
  for (let piece = 0; piece < pieceCount(file.manifest); piece += 1) request(piece)
  await sender.send()
  t.true(served() >= uploadTunables.highWaterBytes - mostBlocksOfARead * blockBytes)
  t.true(served() <= uploadTunables.highWaterBytes + uploadTunables.maxReadBytes)
  const before = served()
  takeIn()
  await sender.send()
  t.true(served() > before)
})

test('Under a cap a block waits for the throttle, and the peer is told of the cap.', async t => {
  const { sender, request, claims, written, notices } = start({ bytesPerSecond: 7 })
  request(0)
  sender.send()
  t.deepEqual(notices, [7])
  t.deepEqual(written, [])
  t.is(claims[0]!.use(), blockBytes)
  while (claims.length < 2) await new Promise(setImmediate)
  t.is(blocksIn(written).length, 1)
})

test('Under a cap a block that was cancelled while it waited uses nothing.', t => {
  const { sender, request, queue, claims } = start({ bytesPerSecond: 7 })
  request(0)
  sender.send()
  for (let offset = 0; offset < pieceLength; offset += blockBytes)
    queue.cancelled({ piece: 0, offset, length: blockBytes })
  t.is(claims[0]!.use(), 0)
})

test('A stopped sender uses no claim and writes nothing further.', async t => {
  const { sender, request, claims, written } = start({ bytesPerSecond: 7 })
  request(0)
  sender.send()
  sender.stop()
  t.is(claims[0]!.use(), 0)
  await new Promise(setImmediate)
  t.deepEqual(written, [])
})

test('A read that fails hands its blocks back, and frees what was lent to it.', async t => {
  const { sender, request, failed, served } = start({
    read: async () => {
      throw new Error('the file changed')
    },
  })
  for (let piece = 0; piece < pieceCount(file.manifest); piece += 1) request(piece)
  await sender.send()
  t.is(failed.length, file.manifest.size / blockBytes)
  t.is(served(), 0)
})
