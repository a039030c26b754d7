// Streams that were right and then were tampered with, in whatever chunks: what a decoder makes of them. fast-check
// prints the seed of a failure; FUZZ_RUNS=100000 looks for longer.

import test from 'ava'
import fc from 'fast-check'
import { limitTunables, peerTunables } from '../../config/swarm.ts'
import { createBitfield } from '../../src/domain/bitfield.ts'
import { pieceCount, pieceSize } from '../../src/domain/manifest.ts'
import { encodeFrame } from '../../src/wire/frame-codecs.ts'
import { createFrameDecoder } from '../../src/wire/frame-decoder.ts'
import {
  type Block,
  encodeBlockHeader,
  FrameError,
  type FrameType,
  frameTypes,
  refusalReasons,
} from '../../src/wire/frames.ts'

const shape = { size: 3 * 512 * 1024 + 1000, pieceLength: 512 * 1024 }
const sides: readonly (readonly FrameType[])[] = [
  ['hello'],
  ['bitfield', 'have', 'block', 'refused', 'call', 'fresh', 'limit', 'bye'],
  ['request', 'cancel', 'pass', 'taken', 'bye'],
]
const numRuns = Number(process.env.FUZZ_RUNS ?? 1_000)

const piece = fc.nat(pieceCount(shape) - 1)
/** Small ones, so that many frames fit a stream. */
const block = fc
  .record({ piece, offset: fc.nat(999), length: fc.integer({ min: 1, max: 60 }) })
  .map(({ length, ...at }): Block => ({ ...at, length: Math.min(length, pieceSize(shape, at.piece) - at.offset) }))
const encoded = fc.oneof(
  fc.constant(encodeFrame({ type: 'hello', holder: { user: 'Zed-9', device: 'abcdef012345' } })),
  fc
    .tuple(fc.constantFrom('bitfield' as const, 'fresh' as const), fc.uint8Array({ minLength: 1, maxLength: 1 }))
    .map(([type, [bits = 0]]) =>
      encodeFrame({ type, have: createBitfield(pieceCount(shape), Buffer.from([bits & 0xf0])) }),
    ),
  fc.constantFrom('call' as const, 'pass' as const).map(type => encodeFrame({ type })),
  fc
    .integer({ min: 1, max: limitTunables.mostBytesPerSecond })
    .map(bytesPerSecond => encodeFrame({ type: 'limit', bytesPerSecond })),
  fc
    .tuple(fc.constantFrom('have' as const, 'taken' as const), piece)
    .map(([type, index]) => encodeFrame({ type, piece: index })),
  fc
    .tuple(fc.constantFrom('request' as const, 'cancel' as const), block)
    .map(([type, at]) => encodeFrame({ type, ...at })),
  fc
    .tuple(fc.constantFrom(...refusalReasons), block)
    .map(([why, at]) => encodeFrame({ type: 'refused', piece: at.piece, offset: at.offset, why })),
  fc.constantFrom('', 'ça va').map(reason => encodeFrame({ type: 'bye', retry: true, reason })),
  block.map(at => Buffer.concat([encodeBlockHeader(at), Buffer.alloc(at.length, 7)])),
)

/** Overwrites, inserts, removes or repeats a few bytes somewhere. */
const mutation = fc.record({
  how: fc.constantFrom('overwrite', 'insert', 'remove', 'repeat'),
  at: fc.nat(),
  bytes: fc.uint8Array({ minLength: 1, maxLength: 6 }),
})
const mutate = (stream: Buffer, { how, at, bytes }: { how: string; at: number; bytes: Uint8Array }): Buffer => {
  const from = at % (stream.length + 1)
  const until = Math.min(stream.length, from + bytes.length)
  const before = stream.subarray(0, from)
  if (how === 'insert') return Buffer.concat([before, bytes, stream.subarray(from)])
  if (how === 'remove') return Buffer.concat([before, stream.subarray(until)])
  if (how === 'repeat') return Buffer.concat([stream.subarray(0, until), stream.subarray(from)])
  return Buffer.concat([before, bytes, stream.subarray(until)])
}

const frames = fc.array(encoded, { maxLength: 12 })
const stream = fc.oneof(
  fc
    .tuple(frames, fc.array(mutation, { maxLength: 3 }))
    .map(([parts, mutations]) => mutations.reduce(mutate, Buffer.concat(parts))),
  fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes)),
)
const cuts = fc.array(fc.nat(), { maxLength: 12 })

/** What came out of `bytes`, encoded anew and joined, and why decoding ended early. */
function decode(bytes: Buffer, at: readonly number[], accepts: readonly FrameType[]) {
  const out: Buffer[] = []
  let open: { readonly block: Block; readonly target: Buffer } | undefined
  let mostHeld = 0
  const decoder = createFrameDecoder(accepts, shape, {
    onFrame: frame => out.push(encodeFrame(frame)),
    blockTarget: block => {
      if (open) throw new Error('a block begins within another')
      open = { block, target: Buffer.alloc(block.length) }
      mostHeld = Math.max(mostHeld, block.length)
      return open.target
    },
    onBlock: () => {
      out.push(encodeBlockHeader(open!.block), open!.target)
      open = undefined
    },
  })
  let refused: string | undefined
  const ends = [...at.map(cut => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  let from = 0
  let isAhead = false
  for (const to of ends) {
    // In the midst of other bytes, and spoiled afterwards: nothing beside a chunk is read, and nothing of it kept.
    const around = Buffer.alloc(to - from + 64, 0x99)
    bytes.copy(around, 32, from, to)
    try {
      decoder.write(around.subarray(32, 32 + to - from))
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      refused = error.message
      break
    } finally {
      around.fill(0xee)
    }
    from = to
    isAhead ||= Buffer.concat(out).length > to
  }
  return { out: Buffer.concat(out), refused, mostHeld, isAhead }
}

test('A tampered stream gives its intact frames, then nothing or a FrameError, however it is cut.', t => {
  fc.assert(
    fc.property(stream, cuts, cuts, fc.constantFrom(...sides), (bytes, some, others, accepts) => {
      const { out, refused, mostHeld, isAhead } = decode(bytes, some, accepts)
      t.true(out.equals(bytes.subarray(0, out.length)), 'what came out is not what went in')
      t.false(isAhead, 'a frame came out before its bytes were in')
      t.true(mostHeld <= peerTunables.blockBytes)
      t.like(decode(bytes, others, accepts), { out, refused })
    }),
    { numRuns },
  )
})

test('Every frame that a peer may send is among those that are tampered with.', t => {
  t.deepEqual([...new Set(sides.flat())].sort(), [...frameTypes].sort())
})

test('Flipping any one byte in a stream of every kind of frame gives only frames or a FrameError.', t => {
  const whole = [
    encodeFrame({ type: 'bitfield', have: createBitfield(pieceCount(shape)) }),
    encodeFrame({ type: 'have', piece: 1 }),
    Buffer.concat([encodeBlockHeader({ piece: 2, offset: 3, length: 20 }), Buffer.alloc(20, 7)]),
    encodeFrame({ type: 'refused', piece: 3, offset: 999, why: 'busy' }),
    encodeFrame({ type: 'fresh', have: createBitfield(pieceCount(shape)) }),
    encodeFrame({ type: 'call' }),
    encodeFrame({ type: 'bye', retry: true, reason: 'later' }),
  ]
  const right = Buffer.concat(whole)
  for (let at = 0; at < right.length; at++)
    for (let value = 0; value < 256; value++) {
      const wrong = Buffer.from(right)
      wrong[at] = value
      const { out, isAhead } = decode(wrong, [], sides[1]!)
      if (isAhead || !out.equals(wrong.subarray(0, out.length))) return t.fail(`byte ${at} as ${value}`)
    }
  t.pass()
})
