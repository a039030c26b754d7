// How fast the frame decoder reads from a socket: blocks, copied to where their piece is assembled, in reads of several
// lengths; and small frames, which are all overhead.

import { peerTunables } from '../config/swarm.ts'
import { pieceCount } from '../src/domain/manifest.ts'
import { encodeFrame } from '../src/wire/frame-codecs.ts'
import { createFrameDecoder } from '../src/wire/frame-decoder.ts'
import { encodeBlockHeader } from '../src/wire/frames.ts'
import { measure, type Task } from './support/measure.ts'

const shape = { size: 64 * 2 ** 20, pieceLength: 512 * 1024 }
const block = Buffer.alloc(peerTunables.blockBytes, 1)
const blocks: Buffer[] = []
for (let piece = 0; piece < pieceCount(shape); piece += 1)
  for (let offset = 0; offset < shape.pieceLength; offset += block.length)
    blocks.push(encodeBlockHeader({ piece, offset, length: block.length }), block)
const blockStream = Buffer.concat(blocks)

const requests = 10_000
const requestStream = Buffer.concat(
  Array.from({ length: requests }, (_, index) =>
    encodeFrame({ type: 'request', piece: index % pieceCount(shape), offset: 0, length: block.length }),
  ),
)

const inReadsOf = (stream: Buffer, readBytes: number): Buffer[] => {
  const reads: Buffer[] = []
  for (let at = 0; at < stream.length; at += readBytes) reads.push(stream.subarray(at, at + readBytes))
  return reads
}

const target = Buffer.alloc(block.length)
const decodeBlocks = (readBytes: number): Task => {
  const reads = inReadsOf(blockStream, readBytes)
  return {
    name: `blocks of ${block.length / 1024} KiB, in reads of ${readBytes / 1024} KiB`,
    amount: blockStream.length / 1e6,
    unit: 'MB',
    run() {
      const decoder = createFrameDecoder(['block'], shape, { onFrame() {}, blockTarget: () => target })
      for (const read of reads) decoder.write(read)
    },
  }
}

await measure([
  decodeBlocks(16 * 1024),
  decodeBlocks(64 * 1024),
  decodeBlocks(256 * 1024),
  {
    name: 'requests, decoded',
    amount: requests,
    unit: 'frames',
    run() {
      const decoder = createFrameDecoder(['request'], shape, { onFrame() {} })
      for (const read of inReadsOf(requestStream, 64 * 1024)) decoder.write(read)
    },
  },
  {
    name: 'requests, encoded',
    amount: pieceCount(shape),
    unit: 'frames',
    run() {
      for (let piece = 0; piece < pieceCount(shape); piece += 1)
        encodeFrame({ type: 'request', piece, offset: 0, length: block.length })
    },
  },
])
