// What holds of piece selection after any series of events, checked against a plain model of who has what and who was
// asked for what.

import test from 'ava'
import fc from 'fast-check'
import { createBitfield } from '../../src/domain/bitfield.ts'
import { createPiecePicker } from '../../src/domain/piece-picker.ts'
import type { PiecePicker, Request } from '../../src/domain/piece-picker-protocol.ts'
import { seededRandom } from '../helpers/seeded-random.ts'

interface Model {
  readonly pieceCount: number
  readonly peers: Map<string, { have: Set<number>; capacity: number; asked: Set<number> }>
  readonly checking: Map<number, string>
  readonly verified: Set<number>
}

const names = ['a', 'b', 'c', 'd', 'e']
const isSettled = (model: Model, piece: number) => model.verified.has(piece) || model.checking.has(piece)
const copiesOf = (model: Model, piece: number) => [...model.peers.values()].filter(peer => peer.asked.has(piece)).length
const isUnasked = (model: Model, piece: number) => !isSettled(model, piece) && copiesOf(model, piece) === 0
const allPieces = (model: Model) => Array.from({ length: model.pieceCount }, (_, piece) => piece)

/** Checks every new request against the model, then enters it there. `isFirst`: asked for before any is asked for twice. */
function enter(model: Model, requests: readonly Request[], isFirst: (piece: number) => boolean): void {
  for (const { peer: name, piece } of requests) {
    const peer = model.peers.get(name)
    if (!peer) throw new Error(`asked ${name}, who is not there`)
    if (!peer.have.has(piece)) throw new Error(`asked ${name} for piece ${piece}, which it has not`)
    if (peer.asked.size >= peer.capacity) throw new Error(`asked ${name} for more than its capacity`)
    if (isSettled(model, piece)) throw new Error(`asked for piece ${piece}, which is here`)
    if (peer.asked.has(piece)) throw new Error(`asked ${name} twice for piece ${piece}`)
    const copies = copiesOf(model, piece)
    if (copies >= 3) throw new Error(`piece ${piece} is in flight ${copies} times`)
    if (copies > 0) {
      const left = allPieces(model).filter(other => isUnasked(model, other) && isFirst(other))
      if (left.length > 0) throw new Error(`asked for piece ${piece} again while ${left} were not asked for`)
    }
    peer.asked.add(piece)
  }
}

/** As `enter`, but that a peer which calls may be asked for one more than its capacity. */
function enterCalled(model: Model, request: Request): void {
  const peer = model.peers.get(request.peer)!
  const { capacity } = peer
  model.peers.set(request.peer, { ...peer, capacity: Math.max(capacity, peer.asked.size + 1) })
  enter(model, [request], () => false)
  model.peers.set(request.peer, peer)
}

type Step = (model: Model, picker: PiecePicker) => void

const peerName = fc.constantFrom(...names)
const anyPiece = fc.nat({ max: 30 })
const pieceOf = (model: Model, number: number) => number % model.pieceCount

const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(peerName, fc.uniqueArray(anyPiece), fc.nat({ max: 5 })).map(
    ([name, have, capacity]): Step =>
      (model, picker) => {
        const pieces = new Set(have.map(piece => pieceOf(model, piece)))
        const bitfield = createBitfield(model.pieceCount)
        for (const piece of pieces) bitfield.add(piece)
        picker.peerJoined(name, bitfield)
        picker.setCapacity(name, capacity)
        model.peers.set(name, { have: pieces, capacity, asked: new Set() })
      },
  ),
  fc.tuple(peerName, anyPiece).map(
    ([name, number]): Step =>
      (model, picker) => {
        picker.peerHas(name, pieceOf(model, number))
        model.peers.get(name)?.have.add(pieceOf(model, number))
      },
  ),
  peerName.map(
    (name): Step =>
      (model, picker) => {
        const inFlight = picker.peerLeft(name)
        if (inFlight.length !== (model.peers.get(name)?.asked.size ?? 0)) throw new Error('not all came back')
        model.peers.delete(name)
      },
  ),
  fc.tuple(peerName, fc.nat({ max: 6 })).map(
    ([name, capacity]): Step =>
      (model, picker) => {
        picker.setCapacity(name, capacity)
        const peer = model.peers.get(name)
        if (peer) peer.capacity = capacity
      },
  ),
  fc.tuple(peerName, anyPiece).map(
    ([name, number]): Step =>
      (model, picker) => {
        const piece = pieceOf(model, number)
        picker.returned(name, piece)
        model.peers.get(name)?.asked.delete(piece)
      },
  ),
  fc.tuple(peerName, fc.nat()).map(
    ([name, choice]): Step =>
      (model, picker) => {
        const asked = [...(model.peers.get(name)?.asked ?? [])]
        const piece = asked[choice % asked.length] ?? choice % model.pieceCount
        const wasAsked = asked.includes(piece)
        const { fresh, unwanted } = picker.received(name, piece)
        if (fresh !== wasAsked) throw new Error(`fresh is ${fresh}, asked was ${wasAsked}`)
        if (!fresh) return
        model.peers.get(name)!.asked.delete(piece)
        const others = names.filter(other => model.peers.get(other)?.asked.delete(piece))
        if (unwanted.toSorted().join() !== others.join()) throw new Error(`told ${unwanted} to cancel, not ${others}`)
        model.checking.set(piece, name)
      },
  ),
  fc.tuple(fc.boolean(), fc.nat()).map(
    ([isGood, choice]): Step =>
      (model, picker) => {
        const [piece, name] = [...model.checking][choice % (model.checking.size || 1)] ?? []
        if (piece === undefined || name === undefined) return
        model.checking.delete(piece)
        if (isGood) {
          picker.verified(piece)
          model.verified.add(piece)
        } else {
          picker.rejected(name, piece)
          model.peers.delete(name)
        }
      },
  ),
  fc.tuple(peerName, anyPiece, fc.boolean()).map(
    ([name, number, isBusy]): Step =>
      (model, picker) => {
        const piece = pieceOf(model, number)
        if (isBusy) picker.busy(name, piece)
        else picker.declined(name, piece)
        model.peers.get(name)?.asked.delete(piece)
      },
  ),
  fc.tuple(peerName, fc.uniqueArray(anyPiece)).map(
    ([name, fresh]): Step =>
      (model, picker) => {
        const bitfield = createBitfield(model.pieceCount)
        for (const piece of fresh) bitfield.add(pieceOf(model, piece) % model.pieceCount)
        picker.setFresh(name, bitfield)
      },
  ),
  fc.tuple(peerName, fc.boolean()).map(
    ([name, hasRoom]): Step =>
      (model, picker) => {
        const request = picker.unchoked(name, hasRoom)
        if (request && (!hasRoom || request.peer !== name)) throw new Error('asked without room, or of another')
        const peer = model.peers.get(name)
        // Who calls is asked for one more than it takes otherwise.
        if (request && peer) enterCalled(model, request)
      },
  ),
  fc.constant<Step>((_, picker) => picker.forgive()),
  fc.nat({ max: 12 }).map(
    (budget): Step =>
      (model, picker) => {
        const { mayAssign } = picker
        const requests = picker.assign(budget)
        if (!mayAssign && requests.length > 0) throw new Error('it said that it would ask for nothing')
        if (requests.length > budget) throw new Error('over the budget')
        // A returned piece may be left unasked on purpose: the model does not follow that, so it holds nobody to it.
        enter(model, requests, () => false)
      },
  ),
)

const startOf = (pieceCount: number): Model => ({
  pieceCount,
  peers: new Map(),
  checking: new Map(),
  verified: new Set(),
})

function checkSums(model: Model, picker: PiecePicker): void {
  const asked = [...model.peers.values()].reduce((sum, peer) => sum + peer.asked.size, 0)
  if (picker.inFlight !== asked) throw new Error(`${picker.inFlight} in flight, not ${asked}`)
  if (picker.missing !== model.pieceCount - model.verified.size) throw new Error('missing is wrong')
  for (const [name, peer] of model.peers)
    if (picker.inFlightAt(name).toSorted().join() !== [...peer.asked].toSorted().join())
      throw new Error(`wrong at ${name}`)
  for (const piece of allPieces(model)) {
    const holders = [...model.peers.values()].filter(peer => peer.have.has(piece)).length
    if (picker.availability(piece) !== holders) throw new Error(`availability of ${piece} is wrong`)
  }
  const isUseful = [...model.peers.values()].some(peer => [...peer.have].some(piece => isUnasked(model, piece)))
  picker.forgive()
  if (picker.canProgress !== (isUseful || asked > 0 || model.checking.size > 0)) throw new Error('canProgress is wrong')
}

test('No peer is ever asked for a piece it lacks, for more than its capacity, or for a piece already here.', t => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.nat(),
      fc.array(steps, { maxLength: 80 }),
      (pieceCount, seed, series) => {
        const model = startOf(pieceCount)
        const picker = createPiecePicker({ verified: createBitfield(pieceCount), random: seededRandom(seed) })
        for (const step of series) step(model, picker)
        checkSums(model, picker)
      },
    ),
    { numRuns: 500 },
  )
  t.pass()
})

test('With returned pieces forgiven at once, a piece is asked for twice only when every piece that some peer has is asked for.', t => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 12 }),
      fc.nat(),
      fc.array(steps, { maxLength: 80 }),
      (pieceCount, seed, series) => {
        const model = startOf(pieceCount)
        const picker = createPiecePicker({ verified: createBitfield(pieceCount), random: seededRandom(seed) })
        for (const step of series) {
          step(model, picker)
          picker.forgive()
          const isHeld = (piece: number) => [...model.peers.values()].some(peer => peer.have.has(piece))
          enter(model, picker.assign(3), isHeld)
        }
      },
    ),
    { numRuns: 300 },
  )
  t.pass()
})

test('Each first request is for a piece no more common than any other unasked piece of that peer.', t => {
  const holdings = fc.array(fc.uniqueArray(fc.nat({ max: 29 }), { maxLength: 30 }), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(holdings, fc.nat(), fc.integer({ min: 1, max: 4 }), (haves, seed, capacity) => {
      const picker = createPiecePicker({ verified: createBitfield(30), random: seededRandom(seed) })
      const asked = new Set<number>()
      for (const [index, have] of haves.entries()) {
        const bitfield = createBitfield(30)
        for (const piece of have) bitfield.add(piece)
        picker.peerJoined(`p${index}`, bitfield)
        picker.setCapacity(`p${index}`, capacity)
      }
      for (let next = picker.assign(1); next.length > 0; next = picker.assign(1)) {
        const { peer, piece } = next[0]!
        asked.add(piece)
        for (const other of haves[Number(peer.slice(1))]!)
          if (!asked.has(other) && picker.availability(other) < picker.availability(piece))
            throw new Error(`${piece} was asked of ${peer} before the rarer ${other}`)
      }
    }),
  )
  t.pass()
})

test('Every piece is verified in the end, in whatever order peers come and go, if one peer with all of them stays.', t => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.nat(),
      fc.array(steps, { maxLength: 60 }),
      (pieceCount, seed, series) => {
        const random = seededRandom(seed)
        const model = startOf(pieceCount)
        const picker = createPiecePicker({ verified: createBitfield(pieceCount), random })
        for (const step of series) step(model, picker)
        for (const piece of model.checking.keys()) picker.verified(piece)
        const everything = createBitfield(pieceCount)
        for (const piece of allPieces(model)) everything.add(piece)
        picker.peerJoined('seed', everything)
        picker.setCapacity('seed', 2)
        for (const name of names) picker.peerLeft(name)
        for (let turn = 0; picker.missing > 0; turn += 1) {
          if (turn > 200) throw new Error(`${picker.missing} pieces never came`)
          if (!picker.canProgress) picker.forgive()
          for (const { peer, piece } of picker.assign(5)) {
            if (random() < 0.3) picker.returned(peer, piece)
            else if (picker.received(peer, piece).fresh) picker.verified(piece)
          }
        }
      },
    ),
    { numRuns: 300 },
  )
  t.pass()
})
