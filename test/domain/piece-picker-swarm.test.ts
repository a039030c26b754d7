// Whole downloads in virtual time: peers deliver one piece after the other, each at its own rate. The bound is what
// all of them together could deliver; what is fetched twice is counted.

import test from 'ava'
import { createBitfield, fullBitfield } from '../../src/domain/bitfield.ts'
import { createPiecePicker } from '../../src/domain/piece-picker.ts'
import { seededRandom } from '../helpers/seeded-random.ts'

interface VirtualPeer {
  /** Pieces a second. */
  readonly rate: number
  readonly capacity: number
  readonly queue: { readonly piece: number; left: number }[]
}

function simulate(pieceCount: number, budget: number, all: readonly { rate: number; capacity: number }[]) {
  const picker = createPiecePicker({ verified: createBitfield(pieceCount), random: seededRandom(7) })
  const peers = new Map(all.map((peer, index): [string, VirtualPeer] => [`p${index}`, { ...peer, queue: [] }]))
  for (const [name, { capacity }] of peers) {
    picker.peerJoined(name, fullBitfield(pieceCount))
    picker.setCapacity(name, capacity)
  }
  let seconds = 0
  let wastedPieces = 0
  while (picker.missing > 0) {
    for (const { peer, piece } of picker.assign(budget - picker.inFlight))
      peers.get(peer)!.queue.push({ piece, left: 1 })
    const busy = [...peers].filter(([, { queue }]) => queue.length > 0)
    const step = Math.min(...busy.map(([, { queue, rate }]) => queue[0]!.left / rate))
    seconds += step
    for (const [, { queue, rate }] of busy) queue[0]!.left -= step * rate
    for (const [name, { queue }] of busy) {
      if (queue.length === 0 || queue[0]!.left > 1e-9) continue
      const { piece } = queue.shift()!
      for (const loser of picker.received(name, piece).unwanted) {
        const { queue: cancelled } = peers.get(loser)!
        const index = cancelled.findIndex(item => item.piece === piece)
        wastedPieces += 1 - cancelled[index]!.left
        cancelled.splice(index, 1)
      }
      picker.verified(piece)
    }
  }
  return { seconds, wastedPieces, boundSeconds: pieceCount / all.reduce((sum, { rate }) => sum + rate, 0) }
}

test('Three equal peers are done within 1 % of the bound, and nothing is fetched twice.', t => {
  const { seconds, boundSeconds, wastedPieces } = simulate(2048, 64, Array(3).fill({ rate: 10, capacity: 4 }))
  t.true(seconds < 1.01 * boundSeconds)
  t.is(wastedPieces, 0)
})

test('Peers of very unequal rates are done within 2 % of the bound: the slow do not hold up the end.', t => {
  const peers = [
    { rate: 100, capacity: 8 },
    { rate: 10, capacity: 4 },
    { rate: 0.1, capacity: 2 },
  ]
  const { seconds, boundSeconds, wastedPieces } = simulate(2048, 64, peers)
  t.true(seconds < 1.02 * boundSeconds)
  t.true(wastedPieces < 10)
})

test('A peer with a larger capacity than its rate deserves costs little.', t => {
  const peers = [...Array(5).fill({ rate: 20, capacity: 4 }), { rate: 0.05, capacity: 8 }]
  const { seconds, boundSeconds } = simulate(500, 40, peers)
  t.true(seconds < 1.05 * boundSeconds)
})
