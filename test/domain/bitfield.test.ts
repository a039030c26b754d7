import test from 'ava'
import fc from 'fast-check'
import { bitfieldBytes, createBitfield, fullBitfield, isBitfield } from '../../src/domain/bitfield.ts'

test('Bits stand most significant first, as in BEP 3.', t => {
  const bitfield = createBitfield(10)
  for (const index of [0, 7, 9]) bitfield.add(index)
  t.deepEqual(bitfield.toBytes(), Buffer.from([0b1000_0001, 0b0100_0000]))
})

test('A full bitfield has every bit, and no spare ones.', t => {
  for (const length of [0, 1, 7, 8, 9, 4096]) {
    const bitfield = fullBitfield(length)
    t.true(bitfield.isFull())
    t.is(bitfield.count, length)
    t.true(isBitfield(bitfield.toBytes(), length))
  }
  t.deepEqual(fullBitfield(9).toBytes(), Buffer.from([0xff, 0x80]))
})

test('Bytes of a wrong length, or with spare bits set, are refused.', t => {
  t.true(isBitfield(Buffer.from([0xff, 0x80]), 9))
  t.false(isBitfield(Buffer.from([0xff, 0xc0]), 9))
  t.false(isBitfield(Buffer.from([0xff]), 9))
  t.false(isBitfield(Buffer.from([0xff, 0x80, 0]), 9))
  t.false(isBitfield(Buffer.from([0]), 0))
  t.throws(() => createBitfield(9, Buffer.from([0xff, 0xff])), { instanceOf: RangeError })
})

test('No bit beyond the length is set, and setting one is a broken contract.', t => {
  const bitfield = fullBitfield(9)
  for (const index of [-1, 9, 10, 100, 2 ** 31, Number.NaN]) {
    t.false(bitfield.has(index))
    t.throws(() => bitfield.add(index), { instanceOf: RangeError })
    t.throws(() => bitfield.remove(index), { instanceOf: RangeError })
  }
  t.throws(() => bitfield.add(0.5), { instanceOf: RangeError })
})

test('A bitfield copies the bytes it is made from, and returns copies.', t => {
  const bytes = Buffer.from([0x80])
  const bitfield = createBitfield(8, bytes)
  bytes[0] = 0
  t.true(bitfield.has(0))
  bitfield.toBytes()[0] = 0
  t.true(bitfield.has(0))
})

test('A bitfield behaves as a set of indexes.', t => {
  const steps = fc.array(fc.tuple(fc.boolean(), fc.nat({ max: 69 })))
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 70 }), steps, (length, series) => {
      const bitfield = createBitfield(length)
      const model = new Set<number>()
      for (const [isAdding, number] of series) {
        const index = number % length
        const isChange = model.has(index) !== isAdding
        if (isAdding) model.add(index)
        else model.delete(index)
        if ((isAdding ? bitfield.add(index) : bitfield.remove(index)) !== isChange) return false
      }
      const copy = createBitfield(length, bitfield.toBytes())
      const isSame = (index: number) => bitfield.has(index) === model.has(index) && copy.has(index) === model.has(index)
      const counts = bitfield.count === model.size && copy.count === model.size
      const sizes = bitfield.toBytes().length === bitfieldBytes(length) && isBitfield(bitfield.toBytes(), length)
      return counts && sizes && bitfield.isFull() === (model.size === length) && [...Array(length).keys()].every(isSame)
    }),
  )
  t.pass()
})

test('A bitfield’s methods work when they are passed on by themselves.', t => {
  const { add, has, isFull, remove, toBytes } = createBitfield(2)
  t.true([0, 1].every(add))
  t.true(isFull())
  t.true(remove(0))
  t.deepEqual([0, 1].filter(has), [1])
  t.deepEqual([...toBytes()], [0x40])
})
