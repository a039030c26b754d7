// How fast the piece picker decides: whole downloads of 4,096 pieces from 40 peers, each piece requested, received and
// verified, with peers that have everything and with peers that have a random half each.

import { type Bitfield, createBitfield, fullBitfield } from '../src/domain/bitfield.ts'
import { createPiecePicker } from '../src/domain/piece-picker.ts'
import { seededRandom } from '../test/helpers/seeded-random.ts'
import { measure } from './support/measure.ts'

const pieces = 4_096
const peers = 40
const capacity = 4
const budget = 64

function download(haves: readonly Bitfield[]): void {
  const picker = createPiecePicker({ verified: createBitfield(pieces), random: seededRandom(1) })
  for (const [index, have] of haves.entries()) {
    picker.peerJoined(`peer${index}`, have)
    picker.setCapacity(`peer${index}`, capacity)
  }
  const asked = picker.assign(budget)
  for (let next = asked.shift(); next; next = asked.shift()) {
    if (picker.received(next.peer, next.piece).fresh) picker.verified(next.piece)
    asked.push(...picker.assign(budget - picker.inFlight))
  }
  if (picker.missing > 0) throw new Error(`bug: ${picker.missing} pieces were never requested`)
}

const random = seededRandom(2)
const halves = Array.from({ length: peers }, () => {
  const have = createBitfield(pieces)
  for (let piece = 0; piece < pieces; piece += 1) if (random() < 0.5) have.add(piece)
  return have
})

await measure([
  {
    name: `${peers} peers with all ${pieces} pieces`,
    amount: pieces,
    unit: 'assignments',
    run: () => download(Array<Bitfield>(peers).fill(fullBitfield(pieces))),
  },
  { name: `${peers} peers with half of them each`, amount: pieces, unit: 'assignments', run: () => download(halves) },
])
