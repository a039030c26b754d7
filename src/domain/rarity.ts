// How many peers have each piece, and which unasked piece is the rarest. Here, and everywhere in the picker, a piece goes
// by its place in the order of preference among equally rare ones. That order is roughly by position, with each piece
// moved back at random within a window, differently for every downloader: those that start together fetch different
// pieces, and the beginning of the file is complete early, so that it can be hashed meanwhile.

import { add, firstCommon, type PieceSet, remove, wordsFor } from './piece-set.ts'

export interface Rarity {
  /** The piece at each place, and the place of each piece. */
  readonly order: Uint32Array
  readonly placeOf: Uint32Array
  /** How many connected peers have it, by place. */
  readonly holders: Uint32Array
  readonly words: number
  /** Sets of unasked places, one behind the other: those that no peer has, that one peer has, and so on. */
  buckets: Uint32Array
  /** How many are in each. */
  counts: Uint32Array
}

/** How far a piece is moved back, at most: several times what a large swarm requests from a seed at once. */
const windowPieces = 64

/** Starts with no unasked place. */
export function createRarity(pieceCount: number, random: () => number): Rarity {
  const order = Uint32Array.from(
    Array.from({ length: pieceCount }, (_, piece) => ({ piece, at: piece + random() * windowPieces }))
      .sort((a, b) => a.at - b.at)
      .map(({ piece }) => piece),
  )
  const placeOf = new Uint32Array(pieceCount)
  for (const [place, piece] of order.entries()) placeOf[piece] = place
  const words = wordsFor(pieceCount)
  const rows = 4
  return {
    order,
    placeOf,
    holders: new Uint32Array(pieceCount),
    words,
    buckets: new Uint32Array(rows * words),
    counts: new Uint32Array(rows),
  }
}

const makeRows = (rarity: Rarity, least: number) => {
  const rows = Math.max(least, 2 * rarity.counts.length)
  const buckets = new Uint32Array(rows * rarity.words)
  buckets.set(rarity.buckets)
  rarity.buckets = buckets
  const counts = new Uint32Array(rows)
  counts.set(rarity.counts)
  rarity.counts = counts
}

/** The place is unasked from now on. */
export function enterUnasked(rarity: Rarity, place: number): void {
  const row = rarity.holders[place]!
  if (row >= rarity.counts.length) makeRows(rarity, row + 1)
  add(rarity.buckets, row * rarity.words * 32 + place)
  rarity.counts[row]! += 1
}

export function leaveUnasked(rarity: Rarity, place: number): void {
  const row = rarity.holders[place]!
  remove(rarity.buckets, row * rarity.words * 32 + place)
  rarity.counts[row]! -= 1
}

export function countHolder(rarity: Rarity, place: number, by: 1 | -1, isUnasked: boolean): void {
  if (isUnasked) leaveUnasked(rarity, place)
  rarity.holders[place]! += by
  if (isUnasked) enterUnasked(rarity, place)
}

/** The rarest unasked place in `have`, and neither in `but` nor outside `within`, if those are given. */
export function rarest(rarity: Rarity, have: PieceSet, but?: PieceSet, within?: PieceSet): number | undefined {
  for (let row = 0; row < rarity.counts.length; row += 1) {
    if (rarity.counts[row] === 0) continue
    const place = firstCommon(rarity.buckets, row * rarity.words, have, but, within)
    if (place !== undefined) return place
  }
  return undefined
}
