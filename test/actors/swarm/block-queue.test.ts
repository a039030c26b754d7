import test from 'ava'
import fc from 'fast-check'
import { peerTunables, uploadTunables } from '../../../config/swarm.ts'
import { createBlockQueue, mostBlocksOfARead } from '../../../src/actors/swarm/block-queue.ts'
import { type Block, FrameError } from '../../../src/wire/frames.ts'

const shape = { size: 4 * 512 * 1024, pieceLength: 512 * 1024 }
const blocksOf = (piece: number): Block[] =>
  [0, 1, 2, 3].map(index => ({ piece, offset: index * peerTunables.blockBytes, length: peerTunables.blockBytes }))
const [first, second, third, fourth] = blocksOf(1) as [Block, Block, Block, Block]

test('A piece is asked about once; its blocks wait for its slot and then go out as one read.', t => {
  const queue = createBlockQueue(shape)
  t.is(queue.asked(first), 'undecided')
  queue.accepted(first)
  t.is(queue.asked(second), 'waiting')
  t.is(queue.ready, 0)
  queue.begin(1)
  t.is(queue.asked(third), 'ready')
  t.is(queue.asked(fourth), 'ready')
  t.deepEqual(queue.take(mostBlocksOfARead), blocksOf(1))
  t.deepEqual(queue.take(mostBlocksOfARead), [])
})

test('A read ends where blocks are not neighbours, and at the most that may be read together.', t => {
  const queue = createBlockQueue(shape)
  for (const piece of [0, 1])
    for (const block of blocksOf(piece)) if (queue.asked(block) === 'undecided') queue.accepted(block)
  queue.begin(1)
  queue.begin(0)
  t.deepEqual(queue.take(3), [first, second, third])
  t.deepEqual(queue.take(mostBlocksOfARead), [fourth])
  t.deepEqual(queue.take(mostBlocksOfARead), blocksOf(0))
})

test('After its last block a piece needs a slot again.', t => {
  const queue = createBlockQueue(shape)
  queue.asked(fourth)
  queue.accepted(fourth)
  queue.begin(1)
  queue.take(1)
  t.is(queue.asked(first), 'undecided')
})

test('A refusal of a piece holds for the rest of it, until its first block is requested again.', t => {
  const queue = createBlockQueue(shape)
  queue.asked(first)
  t.true(queue.refused(first, 'declined'))
  t.deepEqual(queue.asked(second), { refused: 'declined' })
  t.is(queue.asked(first), 'undecided')
  t.false(queue.refused(first, 'busy'))
  t.deepEqual(queue.asked(second), { refused: 'busy' })
  t.is(queue.asked(blocksOf(2)[1]!), 'undecided')
})

test('A cancelled block is not sent, and the last of its piece frees the slot.', t => {
  const queue = createBlockQueue(shape)
  for (const block of [first, second]) if (queue.asked(block) === 'undecided') queue.accepted(block)
  t.deepEqual(queue.cancelled(first), { wasHeld: true, isSettled: false })
  queue.begin(1)
  t.deepEqual(queue.cancelled(third), { wasHeld: false, isSettled: false })
  t.deepEqual(queue.cancelled(second), { wasHeld: true, isSettled: true })
  t.is(queue.asked(third), 'undecided')
})

test('More blocks than may be held are a FrameError, however they were asked for and given back.', t => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ index: fc.nat(15), does: fc.constantFrom('ask', 'cancel', 'begin', 'take') }), {
        maxLength: 200,
      }),
      steps => {
        const queue = createBlockQueue(shape)
        /** What the queue should hold, by a model that only counts. */
        const held = new Map<number, Block[]>()
        const count = () => [...held.values()].reduce((sum, blocks) => sum + blocks.length, 0)
        for (const { index, does } of steps) {
          const block = blocksOf(index >> 2)[index & 3]!
          const blocks = held.get(block.piece) ?? []
          held.set(block.piece, blocks)
          if (does === 'ask') {
            if (queue.asked(block) === 'undecided') queue.accepted(block)
            blocks.push(block)
          } else if (does === 'begin') queue.begin(block.piece)
          else if (does === 'cancel') {
            const at = blocks.findIndex(({ offset }) => offset === block.offset)
            if (queue.cancelled(block).wasHeld !== at >= 0) return false
            if (at >= 0) blocks.splice(at, 1)
          } else
            for (const { piece, offset } of queue.take(mostBlocksOfARead)) {
              const of = held.get(piece)!
              of.splice(
                of.findIndex(each => each.offset === offset),
                1,
              )
            }
        }
        for (let more = count(); more < uploadTunables.maxBlocksQueued; more += 1)
          if (queue.asked(first) === 'undecided') queue.accepted(first)
        t.throws(() => queue.asked(first), { instanceOf: FrameError })
        return true
      },
    ),
  )
})
