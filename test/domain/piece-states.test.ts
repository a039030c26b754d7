import test from 'ava'
import { createBitfield } from '../../src/domain/bitfield.ts'
import { add, createPieceSet } from '../../src/domain/piece-set.ts'
import { PieceStates } from '../../src/domain/piece-states.ts'
import { seededRandom } from '../helpers/seeded-random.ts'

const pieceCount = 40

function start(...verified: number[]) {
  const have = createBitfield(pieceCount)
  for (const piece of verified) have.add(piece)
  return new PieceStates(have, seededRandom(3))
}

const none = { fresh: undefined, avoided: undefined, shunned: undefined }
const setOf = (pieces: PieceStates, ...members: number[]) => {
  const set = createPieceSet(pieceCount)
  for (const piece of members) add(set, pieces.placeOf(piece))
  return set
}

test('Each piece has one place, and each place holds one piece.', t => {
  const pieces = start()
  for (let piece = 0; piece < pieceCount; piece += 1) t.is(pieces.pieceAt(pieces.placeOf(piece)), piece)
})

test('A piece goes from unasked through in flight and checking to verified, and is missing until then.', t => {
  const pieces = start(7)
  const place = pieces.placeOf(3)
  t.false(pieces.isUnasked(pieces.placeOf(7)))
  t.true(pieces.isUnasked(place))
  pieces.ask(place)
  t.false(pieces.isUnasked(place))
  pieces.check(place)
  t.true(pieces.isChecking(place))
  t.deepEqual([pieces.checking, pieces.missing], [1, pieceCount - 1])
  pieces.verify(place)
  t.deepEqual([pieces.checking, pieces.missing], [0, pieceCount - 2])
})

test('A piece that is put back is unasked again, from in flight and from checking.', t => {
  const pieces = start()
  const place = pieces.placeOf(3)
  pieces.ask(place)
  pieces.putBack(place)
  t.true(pieces.isUnasked(place))
  pieces.ask(place)
  pieces.check(place)
  pieces.putBack(place)
  t.true(pieces.isUnasked(place))
  t.deepEqual([pieces.checking, pieces.missing], [0, pieceCount])
})

test('A piece that is not being checked cannot be verified.', t => {
  const pieces = start()
  pieces.verify(pieces.placeOf(3))
  t.is(pieces.missing, pieceCount)
})

test('A peer’s best piece is the rarest, or a fresh one; a declined one only when no other is left.', t => {
  const pieces = start()
  const have = setOf(pieces, 3, 4, 5)
  for (const [piece, holders] of [
    [3, 1],
    [4, 2],
    [5, 3],
  ] as const)
    for (let count = 0; count < holders; count += 1) pieces.countHolder(pieces.placeOf(piece), 1)
  const best = (more: Partial<Parameters<PieceStates['bestFor']>[0]>) =>
    pieces.pieceAt(pieces.bestFor({ have, ...none, ...more }))
  t.is(best({}), 3)
  t.is(best({ fresh: setOf(pieces, 5) }), 5)
  t.is(best({ avoided: setOf(pieces, 3) }), 4)
  t.is(best({ avoided: have }), 3)
  t.is(best({ avoided: have, shunned: setOf(pieces, 3) }), 4)
})

test('A peer without an unasked piece has no best one.', t => {
  const pieces = start(3)
  t.throws(() => pieces.bestFor({ have: setOf(pieces, 3), ...none }), { message: /^bug: / })
})
