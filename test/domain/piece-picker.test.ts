// Single rules of piece selection, each by an example. What holds after any series of events is in
// piece-picker-series.test.ts; how long a whole download takes, in piece-picker-swarm.test.ts.

import test from 'ava'
import { type Bitfield, createBitfield, fullBitfield } from '../../src/domain/bitfield.ts'
import { createPiecePicker } from '../../src/domain/piece-picker.ts'
import { seededRandom } from '../helpers/seeded-random.ts'

function bitfieldOf(length: number, ...pieces: number[]): Bitfield {
  const bitfield = createBitfield(length)
  for (const piece of pieces) bitfield.add(piece)
  return bitfield
}

function pickerOf(pieceCount: number, peers: Record<string, { have?: Bitfield; capacity?: number }> = {}, seed = 1) {
  const picker = createPiecePicker({ verified: createBitfield(pieceCount), random: seededRandom(seed) })
  for (const [peer, { have = fullBitfield(pieceCount), capacity = 1 }] of Object.entries(peers)) {
    picker.peerJoined(peer, have)
    picker.setCapacity(peer, capacity)
  }
  return picker
}

test('A peer is asked for nothing before it says what it can take.', t => {
  const picker = pickerOf(3)
  picker.peerJoined('a', fullBitfield(3))
  t.deepEqual(picker.assign(10), [])
  picker.setCapacity('a', 2)
  t.is(picker.assign(10).length, 2)
  t.is(picker.inFlight, 2)
})

test('The piece that fewest peers have is asked for first.', t => {
  const picker = pickerOf(4, {
    a: { capacity: 4 },
    b: { have: bitfieldOf(4, 0, 1, 3), capacity: 0 },
    c: { have: bitfieldOf(4, 0, 3), capacity: 0 },
    d: { have: bitfieldOf(4, 0), capacity: 0 },
  })
  t.deepEqual(
    picker.assign(4).map(request => request.piece),
    [2, 1, 3, 0],
  )
})

test('Pieces that are equally rare are asked for in random order.', t => {
  const orders = Array.from({ length: 20 }, (_, seed) =>
    pickerOf(8, { a: { capacity: 8 } }, seed)
      .assign(8)
      .map(request => request.piece)
      .join(),
  )
  t.true(new Set(orders).size > 15)
  const firsts = Array.from({ length: 800 }, (_, seed) => pickerOf(8, { a: {} }, seed).assign(1)[0]!.piece)
  for (let piece = 0; piece < 8; piece += 1) t.true(firsts.filter(first => first === piece).length > 30)
})

test('A piece that becomes more common moves back in the order.', t => {
  const picker = pickerOf(2, { a: {}, b: { have: bitfieldOf(2, 1), capacity: 0 } })
  picker.peerJoined('c', bitfieldOf(2))
  picker.peerHas('c', 0)
  picker.peerHas('c', 0)
  picker.peerJoined('d', bitfieldOf(2, 0))
  t.deepEqual([picker.availability(0), picker.availability(1)], [3, 2])
  t.deepEqual(picker.assign(1), [{ peer: 'a', piece: 1 }])
})

test('The budget is shared in proportion to the capacities, and no peer goes without.', t => {
  const picker = pickerOf(100, { fast: { capacity: 12 }, slow: { capacity: 2 }, slower: { capacity: 1 } })
  const asked = Map.groupBy(picker.assign(9), request => request.peer)
  t.is(asked.get('slower')?.length, 1)
  t.is(asked.get('slow')?.length, 1)
  t.is(asked.get('fast')?.length, 7)
})

test('Among equally free peers, the one with the fewest pieces to choose from is asked first.', t => {
  const picker = pickerOf(3, { all: {}, one: { have: bitfieldOf(3, 1) } })
  t.deepEqual(picker.assign(1), [{ peer: 'one', piece: 1 }])
})

test('A piece that is already verified is never asked for.', t => {
  const picker = createPiecePicker({ verified: bitfieldOf(3, 0, 2) })
  picker.peerJoined('a', fullBitfield(3))
  picker.setCapacity('a', 3)
  t.is(picker.missing, 1)
  t.deepEqual(picker.assign(3), [{ peer: 'a', piece: 1 }])
})

test('Pieces in flight at a peer that leaves are asked of another.', t => {
  const picker = pickerOf(2, { a: { capacity: 2 } })
  picker.assign(2)
  t.deepEqual(picker.peerLeft('a').sort(), [0, 1])
  t.is(picker.inFlight, 0)
  t.false(picker.canProgress)
  picker.peerJoined('b', fullBitfield(2))
  picker.setCapacity('b', 2)
  t.true(picker.canProgress)
  t.is(picker.assign(2).length, 2)
  t.deepEqual(picker.peerLeft('a'), [])
})

test('A peer is not asked at once for the piece it returned, but another is.', t => {
  const picker = pickerOf(1, { a: {} })
  picker.assign(1)
  picker.returned('a', 0)
  t.deepEqual(picker.assign(1), [])
  t.false(picker.canProgress)
  picker.peerJoined('b', fullBitfield(1))
  picker.setCapacity('b', 1)
  t.deepEqual(picker.assign(1), [{ peer: 'b', piece: 0 }])
})

const secondChances: Record<string, (picker: ReturnType<typeof pickerOf>) => void> = {
  'once it delivers another': picker => {
    picker.setCapacity('a', 1)
    picker.received('a', picker.assign(1)[0]!.piece)
  },
  'once it announces it again': picker => picker.peerHas('a', 0),
  'after forgiveness': picker => picker.forgive(),
}
for (const [when, give] of Object.entries(secondChances))
  test(`A peer is asked again for the piece it returned ${when}.`, t => {
    const picker = pickerOf(2, { a: { have: bitfieldOf(2, 0) } })
    t.deepEqual(picker.assign(1), [{ peer: 'a', piece: 0 }])
    picker.returned('a', 0)
    picker.peerHas('a', 1)
    give(picker)
    picker.setCapacity('a', 2)
    t.true(picker.assign(2).some(({ piece }) => piece === 0))
  })

test('A peer that sends a bad piece is dropped, and its pieces are asked of others.', t => {
  const picker = pickerOf(3, { bad: { capacity: 3 } })
  const [first] = picker.assign(3)
  t.true(picker.received('bad', first!.piece).fresh)
  t.is(picker.rejected('bad', first!.piece).length, 2)
  t.is(picker.availability(0), 0)
  t.is(picker.missing, 3)
  picker.peerJoined('good', fullBitfield(3))
  picker.setCapacity('good', 3)
  t.is(picker.assign(3).length, 3)
})

test('Bytes that were not asked for, arrive twice, or arrive after the peer left do not count as fresh.', t => {
  const picker = pickerOf(2, { a: {}, b: {} })
  const [first] = picker.assign(1)
  const other = first!.peer === 'a' ? 'b' : 'a'
  t.deepEqual(picker.received(other, first!.piece), { fresh: false, unwanted: [] })
  t.true(picker.received(first!.peer, first!.piece).fresh)
  t.false(picker.received(first!.peer, first!.piece).fresh)
  picker.peerLeft('a')
  t.false(picker.received('a', first!.piece).fresh)
  picker.verified(first!.piece)
  picker.verified(first!.piece)
  t.is(picker.missing, 1)
})

test('In the endgame an idle peer is also asked for pieces requested before those it delivered, and the loser is told.', t => {
  const picker = pickerOf(3, { slow: {} })
  const stuck = picker.assign(1)[0]!.piece
  picker.peerJoined('fast', fullBitfield(3))
  picker.setCapacity('fast', 1)
  for (let delivered = 0; delivered < 2; delivered += 1) {
    const [request, ...more] = picker.assign(9)
    t.deepEqual(more, [])
    t.is(request!.peer, 'fast')
    t.not(request!.piece, stuck)
    picker.received('fast', request!.piece)
    picker.verified(request!.piece)
  }
  t.true(picker.isEndgame)
  t.deepEqual(picker.assign(9), [{ peer: 'fast', piece: stuck }])
  t.deepEqual(picker.assign(9), [])
  t.deepEqual(picker.received('fast', stuck), { fresh: true, unwanted: ['slow'] })
  t.is(picker.inFlight, 0)
  t.false(picker.isEndgame)
})

test('Idle peers that have delivered nothing yet, or nothing asked for later, duplicate no request.', t => {
  const picker = pickerOf(1, { a: {}, b: {}, c: {} })
  t.is(picker.assign(9).length, 1)
  t.true(picker.isEndgame)
  t.deepEqual(picker.assign(9), [])
})

/** Piece 0 is in flight at `slow`. */
function stuckPicker(pieceCount: number) {
  const picker = pickerOf(pieceCount, { slow: { have: bitfieldOf(pieceCount, 0) } })
  picker.assign(1)
  return picker
}

/** A peer joins that has piece 0 too, and delivers `piece`, asked for later than piece 0: it overtook `slow`. */
function overtake(picker: ReturnType<typeof pickerOf>, pieceCount: number, peer: string, piece: number) {
  picker.peerJoined(peer, bitfieldOf(pieceCount, 0, piece))
  picker.setCapacity(peer, 1)
  picker.assign(1)
  picker.received(peer, piece)
  picker.verified(piece)
}

test('A much slower peer does not keep the last piece to itself, though it was asked last.', t => {
  const picker = pickerOf(2, { fast: {} })
  const [first] = picker.assign(1)
  picker.peerJoined('slow', fullBitfield(2))
  picker.setCapacity('slow', 1)
  const [last] = picker.assign(1)
  t.is(last!.peer, 'slow')
  picker.received('fast', first!.piece)
  picker.verified(first!.piece)
  picker.setCapacity('fast', 1, 10)
  t.deepEqual(picker.assign(9), [], 'how slow it is, nobody knows yet')
  picker.setCapacity('slow', 1, 3)
  t.deepEqual(picker.assign(9), [], 'a little slower')
  picker.setCapacity('slow', 1, 0)
  t.deepEqual(picker.assign(9), [{ peer: 'fast', piece: last!.piece }])
  t.deepEqual(picker.received('fast', last!.piece).unwanted, ['slow'])
})

test('The only piece of a file goes also to a peer that has delivered nothing yet, if another crawls.', t => {
  const picker = pickerOf(1, { crawling: {}, unknown: {} })
  const [{ peer } = { peer: '' }] = picker.assign(9)
  const other = peer === 'crawling' ? 'unknown' : 'crawling'
  picker.setCapacity(peer, 1, 0.2)
  t.deepEqual(picker.assign(9), [], 'five seconds more are not long')
  picker.setCapacity(peer, 1, 0.01)
  t.deepEqual(picker.assign(9), [{ peer: other, piece: 0 }])
})

test('In the endgame a piece is in flight at three peers at most.', t => {
  const picker = stuckPicker(4)
  for (const [index, peer] of ['a', 'b', 'c'].entries()) {
    overtake(picker, 4, peer, index + 1)
    t.deepEqual(picker.assign(9), peer === 'c' ? [] : [{ peer, piece: 0 }])
  }
})

test('In the endgame the largest idle peer goes first.', t => {
  const picker = stuckPicker(3)
  overtake(picker, 3, 'small', 1)
  overtake(picker, 3, 'large', 2)
  picker.setCapacity('large', 2)
  t.deepEqual(picker.assign(1), [{ peer: 'large', piece: 0 }])
})

test('The endgame does not begin while a peer, even a busy one, has a piece that no peer was asked for.', t => {
  const picker = stuckPicker(3)
  overtake(picker, 3, 'a', 1)
  picker.peerJoined('busy', bitfieldOf(3, 2))
  t.deepEqual(picker.assign(9), [])
  t.false(picker.isEndgame)
  picker.setCapacity('busy', 1)
  t.is(picker.assign(9).length, 2)
})

test('In the endgame a peer that still has something to deliver is asked for nothing twice.', t => {
  const picker = stuckPicker(3)
  overtake(picker, 3, 'a', 1)
  picker.peerHas('a', 2)
  t.deepEqual(picker.assign(9), [{ peer: 'a', piece: 2 }])
  picker.setCapacity('a', 2)
  t.true(picker.isEndgame)
  t.deepEqual(picker.assign(9), [])
})

test('A bad piece in the endgame can be asked again of peers that were told to cancel it.', t => {
  const picker = pickerOf(2, { slow: {} })
  const stuck = picker.assign(1)[0]!.piece
  picker.peerJoined('liar', fullBitfield(2))
  picker.setCapacity('liar', 1)
  picker.received('liar', picker.assign(1)[0]!.piece)
  picker.verified(1 - stuck)
  t.deepEqual(picker.assign(1), [{ peer: 'liar', piece: stuck }])
  t.deepEqual(picker.received('liar', stuck).unwanted, ['slow'])
  picker.rejected('liar', stuck)
  t.deepEqual(picker.assign(1), [{ peer: 'slow', piece: stuck }])
})

test('A peer that joins again has left first.', t => {
  const picker = pickerOf(2, { a: { capacity: 2 } })
  picker.assign(2)
  picker.peerJoined('a', bitfieldOf(2, 1))
  t.is(picker.inFlight, 0)
  t.deepEqual([picker.availability(0), picker.availability(1)], [0, 1])
  t.deepEqual(picker.assign(2), [])
})

test('A bitfield or piece that does not fit the file is a broken contract.', t => {
  const picker = pickerOf(9, { a: {} })
  t.throws(() => picker.peerJoined('b', fullBitfield(20)), { instanceOf: RangeError })
  t.throws(() => picker.peerHas('a', 9), { instanceOf: RangeError })
})

test('An empty file has nothing to ask for.', t => {
  const picker = pickerOf(0, { a: { capacity: 4 } })
  t.is(picker.missing, 0)
  t.deepEqual(picker.assign(4), [])
  t.false(picker.canProgress)
})

test('Pieces that a peer has given to no one yet are asked of it first, and the rest after those.', t => {
  const picker = pickerOf(6, { seed: { capacity: 6 }, other: { have: bitfieldOf(6, 4, 5), capacity: 0 } })
  picker.setFresh('seed', bitfieldOf(6, 4, 5))
  const asked = picker.assign(6).map(request => request.piece)
  t.deepEqual(asked.slice(0, 2).toSorted(), [4, 5])
  t.is(asked.length, 6)
})

test('A declined piece is asked of other peers at once, and of the same peer only when it has nothing else of use.', t => {
  const picker = pickerOf(2, { seed: {} })
  const first = picker.assign(1)[0]!.piece
  picker.declined('seed', first)
  t.deepEqual(picker.unchoked('seed', true), { peer: 'seed', piece: 1 - first })
  picker.peerJoined('other', bitfieldOf(2, first))
  picker.setCapacity('other', 1)
  t.deepEqual(picker.assign(1), [{ peer: 'other', piece: first }])
  picker.peerLeft('other')
  picker.setCapacity('seed', 2)
  t.deepEqual(picker.assign(1), [{ peer: 'seed', piece: first }])
})

test('A busy peer is asked for nothing until it unchokes us or all refusals are forgiven.', t => {
  const picker = pickerOf(3, { a: {} })
  picker.busy('a', picker.assign(1)[0]!.piece)
  t.deepEqual(picker.assign(1), [])
  t.true(picker.canProgress)
  t.truthy(picker.unchoked('a', true))
  picker.busy('a', picker.inFlightAt('a')[0]!)
  t.is(picker.unchoked('a', false), undefined)
  t.is(picker.assign(1).length, 1)
  picker.busy('a', picker.inFlightAt('a')[0]!)
  picker.forgive()
  t.is(picker.assign(1).length, 1)
})

test('Requests made long ago are not counted among the recent ones.', t => {
  const picker = pickerOf(4, { a: { capacity: 1 }, b: { capacity: 1 } })
  picker.assign(1, 100)
  picker.assign(1, 200)
  t.deepEqual([picker.inFlightSince(100), picker.inFlightSince(150), picker.inFlightSince(300)], [2, 1, 0])
})

test('A hundred peers with one piece each are all asked for it, even after they left and came back.', t => {
  const names = Array.from({ length: 100 }, (_, index) => `p${index}`)
  const own = Object.fromEntries(names.map((name, piece) => [name, { have: bitfieldOf(100, piece) }]))
  const picker = pickerOf(100, own)
  const expected = names.map((peer, piece) => ({ peer, piece }))
  const byPiece = (requests: ReturnType<typeof picker.assign>) => requests.toSorted((a, b) => a.piece - b.piece)
  t.deepEqual(byPiece(picker.assign(100)), expected)
  for (const name of names) picker.peerLeft(name)
  t.false(picker.mayAssign)
  for (const [name, { have }] of Object.entries(own).reverse()) {
    picker.peerJoined(name, have)
    picker.setCapacity(name, 1)
  }
  t.deepEqual(byPiece(picker.assign(200)), expected)
})
