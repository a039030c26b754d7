import test from 'ava'
import fc from 'fast-check'
import { peerTunables } from '../../../config/swarm.ts'
import { createBlockRequests } from '../../../src/actors/swarm/block-requests.ts'
import { createBufferPool } from '../../../src/actors/swarm/buffer-pool.ts'
import { pieceCount, pieceSize } from '../../../src/domain/manifest.ts'
import { type Block, FrameError } from '../../../src/wire/frames.ts'

const shape = { size: 3 * 512 * 1024 + peerTunables.blockBytes + 5, pieceLength: 512 * 1024 }
const last = pieceCount(shape) - 1

test('Blocks are asked for piece by piece in order, the last one only as long as the file.', t => {
  const requests = createBlockRequests(shape, createBufferPool(0))
  t.true(requests.want(last))
  t.true(requests.want(0))
  t.deepEqual(requests.next(3), [
    { piece: last, offset: 0, length: peerTunables.blockBytes },
    { piece: last, offset: peerTunables.blockBytes, length: 5 },
    { piece: 0, offset: 0, length: peerTunables.blockBytes },
  ])
  t.is(requests.outstanding, 3)
})

test('A piece that is being gathered is not begun again.', t => {
  const requests = createBlockRequests(shape, createBufferPool(0))
  requests.want(1)
  t.false(requests.want(1))
  t.is(requests.next(100).length, 4)
})

const asked = () => {
  const requests = createBlockRequests(shape, createBufferPool(0))
  requests.want(1)
  return { requests, blocks: requests.next(100) }
}

test('A block that was not requested, has another length or came before is a FrameError.', t => {
  const { requests, blocks } = asked()
  const [first] = blocks as [Block]
  t.throws(() => requests.target({ ...first, piece: 2 }), { instanceOf: FrameError })
  t.throws(() => requests.target({ ...first, offset: 1 }), { instanceOf: FrameError })
  t.throws(() => requests.target({ ...first, length: first.length - 1 }), { instanceOf: FrameError })
  requests.arrived(first)
  t.throws(() => requests.target(first), { instanceOf: FrameError })
  t.throws(() => requests.refused(first.piece, first.offset), { instanceOf: FrameError })
})

test('The blocks of a dropped piece are discarded, and it is requested again only once they are answered.', t => {
  const { requests, blocks } = asked()
  t.deepEqual(requests.unwant(1), blocks)
  t.true(requests.want(1))
  t.deepEqual(requests.next(100), [])
  t.is(requests.target(blocks[0]!), undefined)
  t.is(requests.arrived(blocks[0]!), undefined)
  t.deepEqual(requests.next(100), [blocks[0]!])
  t.false(requests.refused(1, blocks[1]!.offset))
  t.deepEqual(requests.next(100), [blocks[1]!])
})

test('A refused block shows that its piece will not arrive.', t => {
  const { requests, blocks } = asked()
  t.true(requests.refused(1, blocks[2]!.offset))
  t.deepEqual(
    requests.unwant(1).map(({ offset }) => offset),
    [0, peerTunables.blockBytes, 3 * peerTunables.blockBytes],
  )
})

test('In whatever order blocks are asked for and arrive, every piece is gathered byte for byte.', t => {
  const file = Buffer.from(Array.from({ length: shape.size / 1000 }, (_, index) => index % 251))
  const byteAt = (at: number) => file[Math.floor(at / 1000) % file.length]!
  fc.assert(
    fc.property(
      fc.shuffledSubarray([0, 1, 2, last], { minLength: 4 }),
      fc.infiniteStream(fc.nat()),
      (pieces, choices) => {
        const requests = createBlockRequests(shape, createBufferPool(0))
        for (const piece of pieces) requests.want(piece)
        const outstanding: Block[] = []
        const gathered = new Map<number, Buffer>()
        const choose = (most: number) => choices.next().value! % most
        for (
          let more = requests.next(1 + choose(9));
          more.length + outstanding.length > 0;
          more = requests.next(choose(9))
        ) {
          outstanding.push(...more)
          if (outstanding.length === 0) continue
          const [block] = outstanding.splice(choose(outstanding.length), 1) as [Block]
          const target = requests.target(block)!
          for (let at = 0; at < block.length; at += 997)
            target[at] = byteAt(block.piece * shape.pieceLength + block.offset + at)
          const whole = requests.arrived(block)
          if (whole) gathered.set(whole.piece, whole.data)
          if (requests.outstanding === 0 && outstanding.length === 0 && gathered.size < 4)
            outstanding.push(...requests.next(1))
        }
        t.is(gathered.size, 4)
        for (const [piece, data] of gathered) {
          t.is(data.length, pieceSize(shape, piece))
          t.is(data[0], byteAt(piece * shape.pieceLength))
        }
      },
    ),
    { numRuns: 20 },
  )
})
