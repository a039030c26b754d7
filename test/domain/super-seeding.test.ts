import test from 'ava'
import { createBitfield, fullBitfield } from '../../src/domain/bitfield.ts'
import { SuperSeeding } from '../../src/domain/super-seeding.ts'

test('A piece is fresh until it is given to a peer, and becomes fresh again once every such peer has left.', t => {
  const seeding = new SuperSeeding(fullBitfield(3))
  seeding.give(1)
  seeding.give(1)
  t.deepEqual([0, 1, 2].map(seeding.fresh.has), [true, false, true])
  seeding.takeBack(1)
  t.false(seeding.fresh.has(1))
  seeding.takeBack(1)
  t.true(seeding.fresh.has(1))
})

test('A piece that another peer was given should be declined while some piece is fresh.', t => {
  const seeding = new SuperSeeding(fullBitfield(2))
  t.false(seeding.isBetterDeclined(0, false))
  seeding.give(0)
  t.true(seeding.isBetterDeclined(0, false))
  t.false(seeding.isBetterDeclined(0, true))
  seeding.give(1)
  t.false(seeding.isBetterDeclined(0, false))
})

test('A piece that this device did not have from the beginning is never declined, nor fresh.', t => {
  const own = createBitfield(2)
  own.add(0)
  const seeding = new SuperSeeding(own)
  own.add(1)
  seeding.give(1)
  t.false(seeding.isBetterDeclined(1, false))
  seeding.takeBack(1)
  t.false(seeding.fresh.has(1))
})
