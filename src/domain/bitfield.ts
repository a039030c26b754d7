// A set of piece indexes, one bit each, most significant bit first: the layout of BitTorrent's bitfield (BEP 3),
// on the wire, in the library and in memory alike. The spare bits at the end are always zero.

export interface Bitfield {
  readonly length: number
  /** How many bits are set. */
  readonly count: number
  has(index: number): boolean
  /** Sets the bit; false when it was set before. Throws a RangeError outside 0 to length - 1. */
  add(index: number): boolean
  /** Clears the bit; false when it was clear. Throws a RangeError outside 0 to length - 1. */
  remove(index: number): boolean
  isFull(): boolean
  /** A copy of the bits, `Math.ceil(length / 8)` bytes. */
  toBytes(): Buffer
}

const setBitsOfByte = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll('0', '').length)

export const bitfieldBytes = (length: number): number => Math.ceil(length / 8)

/** True when the bytes are exactly a bitfield of that many bits, spare bits zero. */
export function isBitfield(bytes: Uint8Array, length: number): boolean {
  if (bytes.length !== bitfieldBytes(length)) return false
  const spare = bytes.length * 8 - length
  return spare === 0 || (bytes[bytes.length - 1]! & ((1 << spare) - 1)) === 0
}

/** A bitfield of `length` bits, empty or from bytes. Throws a RangeError when the bytes do not fit. */
export function createBitfield(length: number, from?: Uint8Array): Bitfield {
  if (from && !isBitfield(from, length)) throw new RangeError(`these bytes are no bitfield of ${length} bits`)
  const bytes = from ? Buffer.from(from) : Buffer.alloc(bitfieldBytes(length))
  let count = bytes.reduce((sum, byte) => sum + setBitsOfByte[byte]!, 0)
  const check = (index: number) => {
    if (!Number.isInteger(index) || index < 0 || index >= length) throw new RangeError(`no bit ${index} of ${length}`)
  }
  const has = (index: number) => index >= 0 && index < length && (bytes[index >> 3]! & (0x80 >> (index & 7))) !== 0
  const flip = (index: number, by: 1 | -1) => {
    bytes[index >> 3]! ^= 0x80 >> (index & 7)
    count += by
    return true
  }
  return {
    length,
    get count() {
      return count
    },
    has,
    add: index => {
      check(index)
      return has(index) ? false : flip(index, 1)
    },
    remove: index => {
      check(index)
      return has(index) ? flip(index, -1) : false
    },
    isFull: () => count === length,
    toBytes: () => Buffer.from(bytes),
  }
}

export function fullBitfield(length: number): Bitfield {
  const bytes = Buffer.alloc(bitfieldBytes(length), 0xff)
  const spare = bytes.length * 8 - length
  if (spare > 0) bytes[bytes.length - 1]! &= 0xff << spare
  return createBitfield(length, bytes)
}
