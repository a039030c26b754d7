import { randomBytes } from 'node:crypto'
import test from 'ava'
import fc from 'fast-check'
import { limitTunables, peerTunables } from '../../config/swarm.ts'
import { createBitfield, isBitfield } from '../../src/domain/bitfield.ts'
import { pieceCount, pieceSize } from '../../src/domain/manifest.ts'
import { encodeFrame } from '../../src/wire/frame-codecs.ts'
import { createFrameDecoder } from '../../src/wire/frame-decoder.ts'
import {
  type Block,
  blockHeaderBytes,
  encodeBlockHeader,
  type Frame,
  FrameError,
  type FrameType,
  refusalReasons,
} from '../../src/wire/frames.ts'

const shape = { size: 5 * 512 * 1024 + 1000, pieceLength: 512 * 1024 }
const every: readonly FrameType[] = [
  ...(['hello', 'bitfield', 'have', 'request', 'cancel', 'block', 'refused', 'bye'] as const),
  ...(['call', 'pass', 'fresh', 'taken', 'limit'] as const),
]

type Seen = Frame | (Block & { readonly type: 'block'; readonly bytes: Buffer })

/** Decodes the stream in the given cuts; what came out, blocks with their bytes. */
function decode(stream: Buffer, cuts: readonly number[], accepts = every): Seen[] {
  const seen: Seen[] = []
  let bytes = Buffer.alloc(0)
  const decoder = createFrameDecoder(accepts, shape, {
    onFrame: frame => seen.push(frame),
    blockTarget: block => {
      bytes = Buffer.alloc(block.length)
      return bytes
    },
    onBlock: block => seen.push({ type: 'block', ...block, bytes }),
  })
  const at = [...cuts.map(cut => cut % (stream.length + 1)).sort((a, b) => a - b), stream.length]
  let from = 0
  for (const to of at) {
    // A copy that is spoiled afterwards: the decoder must keep nothing of it.
    const chunk = Buffer.from(stream.subarray(from, to))
    decoder.write(chunk)
    chunk.fill(0xee)
    from = to
  }
  return seen
}

const piece = fc.nat(pieceCount(shape) - 1)
const block = piece.chain(index =>
  fc
    .nat(pieceSize(shape, index) - 1)
    .chain(offset =>
      fc
        .integer({ min: 1, max: Math.min(peerTunables.blockBytes, pieceSize(shape, index) - offset) })
        .map(length => ({ piece: index, offset, length })),
    ),
)
const pieceSets = fc.uniqueArray(piece).map(pieces => {
  const have = createBitfield(pieceCount(shape))
  for (const index of pieces) have.add(index)
  return have
})
const frame: fc.Arbitrary<Seen> = fc.oneof(
  fc.constantFrom('a', 'Zed-9_').map(user => ({ type: 'hello' as const, holder: { user, device: 'abcdef012345' } })),
  pieceSets.map(have => ({ type: 'bitfield' as const, have })),
  pieceSets.map(have => ({ type: 'fresh' as const, have })),
  fc.constantFrom({ type: 'call' as const }, { type: 'pass' as const }),
  fc.nat({ max: limitTunables.mostBytesPerSecond }).map(bytesPerSecond => ({ type: 'limit' as const, bytesPerSecond })),
  piece.map(index => ({ type: 'have' as const, piece: index })),
  piece.map(index => ({ type: 'taken' as const, piece: index })),
  block.map(asked => ({ type: 'request' as const, ...asked })),
  block.map(asked => ({ type: 'cancel' as const, ...asked })),
  fc.tuple(block, fc.constantFrom(...refusalReasons)).map(([{ piece: index, offset }, why]) => ({
    type: 'refused' as const,
    piece: index,
    offset,
    why,
  })),
  block.map(sent => ({ type: 'block' as const, ...sent, bytes: randomBytes(sent.length) })),
  fc.record({
    type: fc.constant('bye' as const),
    retry: fc.boolean(),
    reason: fc.constantFrom('', 'until later – ça va'),
  }),
)

const encode = (seen: Seen): Buffer =>
  seen.type === 'block' ? Buffer.concat([encodeBlockHeader(seen), seen.bytes]) : encodeFrame(seen)

/** Bitfields compared by their bits. */
const plain = (seen: Seen) =>
  seen.type === 'bitfield' || seen.type === 'fresh' ? { type: seen.type, bits: seen.have.toBytes() } : seen

test('Every encoded frame is decoded unchanged, however the stream is cut.', t => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 8 }), fc.array(fc.nat(), { maxLength: 12 }), (frames, cuts) => {
      t.deepEqual(decode(Buffer.concat(frames.map(encode)), cuts).map(plain), frames.map(plain))
    }),
    { numRuns: 60 },
  )
})

test('A stream cut into single bytes is decoded unchanged.', t => {
  const frames: Seen[] = [
    { type: 'have', piece: 3 },
    { type: 'block', piece: 0, offset: 4, length: 3, bytes: Buffer.from('abc') },
    { type: 'bye', retry: true, reason: 'later' },
  ]
  const stream = Buffer.concat(frames.map(encode))
  t.deepEqual(decode(stream, [...stream.keys()]), frames)
})

test('Arbitrary bytes give only frames that are valid for the file, or a FrameError.', t => {
  const allowed = (seen: Seen) => {
    if ('piece' in seen && seen.piece >= pieceCount(shape)) return false
    if ('length' in seen && seen.offset + seen.length > pieceSize(shape, seen.piece)) return false
    return !('have' in seen) || isBitfield(seen.have.toBytes(), pieceCount(shape))
  }
  const prefix = fc
    .tuple(fc.nat(300), fc.nat(13))
    .map(([length, type]) => Buffer.from([0, 0, length >> 8, length & 255, type]))
  const noise = fc.uint8Array({ maxLength: 400 }).map(bytes => Buffer.from(bytes))
  const stream = fc
    .array(fc.oneof(prefix, noise, frame.map(encode)), { maxLength: 6 })
    .map(parts => Buffer.concat(parts))
  fc.assert(
    fc.property(stream, fc.array(fc.nat(), { maxLength: 4 }), (bytes, cuts) => {
      try {
        t.true(decode(bytes, cuts).every(allowed))
      } catch (error) {
        if (!(error instanceof FrameError)) throw error
        t.is(error.code, 'protocol')
      }
    }),
    { numRuns: 300 },
  )
})

const header = (length: number, type: number, ...payload: number[]) => {
  const bytes = Buffer.alloc(5 + payload.length)
  bytes.writeUInt32BE(length, 0)
  bytes.writeUInt8(type, 4)
  bytes.set(payload, 5)
  return bytes
}
const u32 = (...numbers: number[]) =>
  numbers.flatMap(number => [(number >>> 24) & 255, (number >>> 16) & 255, (number >>> 8) & 255, number & 255])

const malformed: readonly (readonly [what: string, bytes: Buffer])[] = [
  ['an unknown type', header(5, 99)],
  ['type 0', header(5, 0)],
  ['a length of zero', header(0, 3)],
  ['a length of 4 GiB', header(0xffffffff, 6)],
  ['a block larger than a block may be', header(1 + 8 + peerTunables.blockBytes + 1, 6)],
  ['a block without bytes', header(1 + 8, 6)],
  ['a block beyond the last piece', header(1 + 8 + 1, 6, ...u32(6, 0))],
  ['a block beyond the end of its piece', header(1 + 8 + 1, 6, ...u32(5, 1000))],
  ['a have that is too long', header(6, 3)],
  ['a have of a piece that is not there', header(5, 3, ...u32(6))],
  ['a request of nothing', header(13, 4, ...u32(0, 0, 0))],
  ['a request of more than a block', header(13, 4, ...u32(0, 0, peerTunables.blockBytes + 1))],
  ['a request whose sums overflow', header(13, 4, ...u32(0, 0xffffffff, 1))],
  ['a bitfield one byte too long', header(1 + 2, 2)],
  ['a bitfield with bits beyond the last piece', header(1 + 1, 2, 0xff)],
  ['a hello without a device', header(1 + 14, 1, ...Buffer.from('alicealicealic'))],
  ['a hello that is too long', header(1 + 200, 1)],
  ['a bye with a third answer', header(2, 8, 2)],
  ['a bye that is not UTF-8', header(3, 8, 0, 0xff)],
  ['a bye with a terminal escape', header(3, 8, 0, 27)],
  ['a bye with a byte order mark', header(5, 8, 0, 0xef, 0xbb, 0xbf)],
  ['a bye that goes on and on', header(1000, 8)],
]
for (const [what, bytes] of malformed)
  test(`${what} is refused before more bytes are awaited.`, t => {
    t.throws(() => decode(bytes, []), { instanceOf: FrameError })
  })

test('A frame that this side does not accept is refused.', t => {
  t.throws(() => decode(encodeFrame({ type: 'have', piece: 0 }), [], ['request', 'bye']), { instanceOf: FrameError })
})

test('A decoder that has thrown accepts no more bytes.', t => {
  const seen: Frame[] = []
  const decoder = createFrameDecoder(['have'], shape, { onFrame: frame => seen.push(frame) })
  t.throws(() => decoder.write(header(5, 99)))
  decoder.write(encodeFrame({ type: 'have', piece: 0 }))
  t.deepEqual(seen, [])
})

test('A decoder that is stopped by what it reads ignores the rest of the chunk.', t => {
  const seen: Frame[] = []
  const decoder = createFrameDecoder(['have'], shape, {
    onFrame: frame => {
      seen.push(frame)
      decoder.stop()
    },
  })
  const have = encodeFrame({ type: 'have', piece: 0 })
  decoder.write(Buffer.concat([have, have]))
  t.is(seen.length, 1)
})

test('A stream in many small reads is refused, and whole blocks make up for some of them.', t => {
  const decoder = createFrameDecoder(['block'], shape, { onFrame: () => t.fail() })
  const sent = { piece: 0, offset: 0, length: peerTunables.blockBytes }
  const block = Buffer.concat([encodeBlockHeader(sent), Buffer.alloc(sent.length)])
  /** All but the last bytes in one, then as many reads, then the rest. */
  const writeInSmallReads = (reads: number) => {
    decoder.write(block.subarray(0, -reads - 1))
    for (let left = reads + 1; left > 1; left--) decoder.write(block.subarray(-left, -left + 1))
    decoder.write(block.subarray(-1))
  }
  for (let reads = 0; reads < 3 * peerTunables.maxSmallReads; reads += peerTunables.smallReadsPerBlock)
    writeInSmallReads(peerTunables.smallReadsPerBlock)
  t.throws(() => writeInSmallReads(peerTunables.maxSmallReads + 1), {
    instanceOf: FrameError,
    message: 'too many small reads',
  })
})

test('A block that is no longer wanted passes without being kept.', t => {
  const passed: Block[] = []
  const decoder = createFrameDecoder(['block'], shape, {
    onFrame: () => t.fail(),
    blockTarget: () => undefined,
    onBlock: done => passed.push(done),
  })
  const sent = { piece: 1, offset: 0, length: 100 }
  decoder.write(Buffer.concat([encodeBlockHeader(sent), Buffer.alloc(100)]))
  t.deepEqual(passed, [sent])
  t.is(encodeBlockHeader(sent).length, blockHeaderBytes)
})
