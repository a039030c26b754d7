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

/**
 * A class, for there are many: V8 keeps object literals with getters as hash tables, which are slow to read. What it
 * does are fields of its own, so that they can be handed on (`pieces.filter(have.has)`).
 */
class BitfieldOfBytes implements Bitfield {
  readonly length: number
  readonly #bytes: Buffer
  #count: number

  constructor(length: number, bytes: Buffer) {
    this.length = length
    this.#bytes = bytes
    this.#count = bytes.reduce((sum, byte) => sum + setBitsOfByte[byte]!, 0)
  }
  get count() {
    return this.#count
  }
  readonly has = (index: number) =>
    index >= 0 && index < this.length && (this.#bytes[index >> 3]! & (0x80 >> (index & 7))) !== 0
  readonly add = (index: number) => this.#set(index, true)
  readonly remove = (index: number) => this.#set(index, false)
  readonly isFull = () => this.#count === this.length
  readonly toBytes = () => Buffer.from(this.#bytes)

  #set(index: number, isSet: boolean) {
    if (!Number.isInteger(index) || index < 0 || index >= this.length)
      throw new RangeError(`no bit ${index} of ${this.length}`)
    if (this.has(index) === isSet) return false
    this.#bytes[index >> 3]! ^= 0x80 >> (index & 7)
    this.#count += isSet ? 1 : -1
    return true
  }
}

/** A bitfield of `length` bits, empty or from bytes. Throws a RangeError when the bytes do not fit. */
export function createBitfield(length: number, from?: Uint8Array): Bitfield {
  if (from && !isBitfield(from, length)) throw new RangeError(`these bytes are no bitfield of ${length} bits`)
  return new BitfieldOfBytes(length, from ? Buffer.from(from) : Buffer.alloc(bitfieldBytes(length)))
}

export function fullBitfield(length: number): Bitfield {
  const bytes = Buffer.alloc(bitfieldBytes(length), 0xff)
  const spare = bytes.length * 8 - length
  if (spare > 0) bytes[bytes.length - 1]! &= 0xff << spare
  return createBitfield(length, bytes)
}
