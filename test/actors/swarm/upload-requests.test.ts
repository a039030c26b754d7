import test from 'ava'
import { peerTunables } from '../../../config/swarm.ts'
import { createBlockQueue } from '../../../src/actors/swarm/block-queue.ts'
import { createRequestQuota } from '../../../src/actors/swarm/request-quota.ts'
import { UploadRequests } from '../../../src/actors/swarm/upload-requests.ts'
import type { UploadSlots } from '../../../src/actors/swarm/upload-slots.ts'
import { fullBitfield } from '../../../src/domain/bitfield.ts'
import type { Answer } from '../../../src/domain/choker.ts'
import { type Block, type Frame, FrameError } from '../../../src/wire/frames.ts'

const { blockBytes } = peerTunables
const shape = { size: 8 * blockBytes, pieceLength: 4 * blockBytes }
const blockOf = (piece: number, index = 0): Block => ({ piece, offset: index * blockBytes, length: blockBytes })

/** Requests whose slots the test plays. */
function start(answer: Answer = 'accepted') {
  const said: Frame[] = []
  const settled: number[] = []
  const slots: UploadSlots = {
    open: () => {},
    close: () => {},
    ask: () => answer,
    settled: (_, piece) => void settled.push(piece),
    passed: () => {},
    freshOf: () => fullBitfield(2),
  }
  const queue = createBlockQueue(shape)
  const requests = new UploadRequests({
    id: 'a session',
    slots,
    queue,
    quota: createRequestQuota(),
    hasPiece: piece => piece === 0,
    onReady: () => {},
    write: frame => void said.push(frame),
    refuse: frame => void said.push(frame),
  })
  return { requests, queue, said, settled }
}

test('A piece that we do not have is refused as gone.', t => {
  const { requests, said } = start()
  requests.requested(blockOf(1))
  t.deepEqual(said, [{ type: 'refused', piece: 1, offset: 0, why: 'gone' }])
})

test('The blocks of an accepted piece become ready once it has a slot.', t => {
  const { requests, queue, said } = start()
  requests.requested(blockOf(0))
  requests.requested(blockOf(0, 1))
  t.is(queue.ready, 0)
  requests.serve(0)
  requests.requested(blockOf(0, 2))
  t.is(queue.ready, 3)
  t.deepEqual(said, [])
})

test('A choked peer is told busy for every block of the piece, and unchoked with what is fresh.', t => {
  const { requests, said } = start('busy')
  requests.requested(blockOf(0))
  requests.requested(blockOf(0, 1))
  requests.unchoke()
  t.deepEqual(
    said.map(frame => (frame.type === 'refused' ? frame.why : frame.type)),
    ['busy', 'busy', 'fresh', 'call'],
  )
})

test('A declined piece is preceded once by what is fresh.', t => {
  const { requests, said } = start('declined')
  requests.requested(blockOf(0))
  requests.requested(blockOf(0, 1))
  t.deepEqual(
    said.map(frame => (frame.type === 'refused' ? frame.why : frame.type)),
    ['fresh', 'declined', 'declined'],
  )
})

test('A cancelled block is answered by a refusal, and the last of its piece frees the slot.', t => {
  const { requests, said, settled } = start()
  requests.requested(blockOf(0))
  requests.requested(blockOf(0, 1))
  requests.cancelled(blockOf(0))
  t.deepEqual(settled, [])
  requests.cancelled(blockOf(0, 1))
  t.deepEqual(settled, [0])
  t.deepEqual(
    said.map(({ type }) => type),
    ['refused', 'refused'],
  )
})

test('A peer that cancels what it never asked for breaks the protocol.', t => {
  const { requests } = start()
  t.throws(() => requests.cancelled(blockOf(0)), { instanceOf: FrameError })
})
