// A set of pieces as bits of 32-bit words, for whole-word questions: which piece is in this set, and in that, and not
// in the third. Bits stand in an order of their owner's choosing; the first bit of an intersection is found without
// looking at pieces one by one.

export type PieceSet = Uint32Array

export const wordsFor = (length: number): number => Math.ceil(length / 32)
export const createPieceSet = (length: number): PieceSet => new Uint32Array(wordsFor(length))
export const has = (set: PieceSet, at: number): boolean => (set[at >> 5]! & (1 << (at & 31))) !== 0

/** False when it was there before. */
export function add(set: PieceSet, at: number): boolean {
  if (has(set, at)) return false
  set[at >> 5]! |= 1 << (at & 31)
  return true
}

/** False when it was not there. */
export function remove(set: PieceSet, at: number): boolean {
  if (!has(set, at)) return false
  set[at >> 5]! &= ~(1 << (at & 31))
  return true
}

export const lowestBit = (word: number): number => 31 - Math.clz32(word & -word)

/**
 * The first that is in both, and neither in `but` nor outside `within`, if those are given. `a` is one of several sets in
 * one array, and begins at the word `from`.
 */
export function firstCommon(
  a: PieceSet,
  from: number,
  b: PieceSet,
  but?: PieceSet,
  within?: PieceSet,
): number | undefined {
  for (let word = 0; word < b.length; word += 1) {
    let bits = a[from + word]! & b[word]!
    if (bits === 0) continue
    if (but) bits &= ~but[word]!
    if (within) bits &= within[word]!
    if (bits !== 0) return word * 32 + lowestBit(bits)
  }
  return undefined
}
