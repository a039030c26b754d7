// The state of each piece of one download: unasked, in flight, checking or verified, exactly one of the four. Keeps the
// rarity of the unasked ones. Pieces go by their place in the order of preference (rarity.ts).

import type { Bitfield } from './bitfield.ts'
import type { PickerPeer } from './picker-peers.ts'
import { countHolder, createRarity, enterUnasked, leaveUnasked, type Rarity, rarest } from './rarity.ts'

const unasked = 0
const inFlight = 1
const checking = 2
const verified = 3

export class PieceStates {
  readonly pieceCount: number
  readonly #rarity: Rarity
  readonly #states: Uint8Array
  #missing = 0
  #checking = 0

  constructor(alreadyVerified: Bitfield, random: () => number) {
    this.pieceCount = alreadyVerified.length
    this.#rarity = createRarity(this.pieceCount, random)
    this.#states = new Uint8Array(this.pieceCount)
    for (let place = 0; place < this.pieceCount; place += 1) {
      if (alreadyVerified.has(this.pieceAt(place))) this.#states[place] = verified
      else {
        this.#missing += 1
        enterUnasked(this.#rarity, place)
      }
    }
  }

  /** Pieces not verified yet. */
  get missing(): number {
    return this.#missing
  }
  get checking(): number {
    return this.#checking
  }
  placeOf(piece: number): number {
    return this.#rarity.placeOf[piece]!
  }
  pieceAt(place: number): number {
    return this.#rarity.order[place]!
  }
  isUnasked(place: number): boolean {
    return this.#states[place] === unasked
  }
  isChecking(place: number): boolean {
    return this.#states[place] === checking
  }
  /** How many connected peers have it. */
  holders(place: number): number {
    return this.#rarity.holders[place]!
  }

  countHolder(place: number, by: 1 | -1): void {
    countHolder(this.#rarity, place, by, this.isUnasked(place))
  }

  /** The unasked place to request from a peer that has one: fresh there if possible, and avoided there only as a last resort. */
  bestFor({ have, fresh, avoided, shunned }: Pick<PickerPeer, 'have' | 'fresh' | 'avoided' | 'shunned'>): number {
    const place =
      (fresh && rarest(this.#rarity, have, avoided, fresh)) ??
      rarest(this.#rarity, have, avoided) ??
      rarest(this.#rarity, have, shunned)
    if (place === undefined) throw new Error('bug: a peer counted as useful has no unasked piece')
    return place
  }

  /** An unasked place has been asked for. */
  ask(place: number): void {
    leaveUnasked(this.#rarity, place)
    this.#states[place] = inFlight
  }

  /** All of it has arrived. */
  check(place: number): void {
    this.#states[place] = checking
    this.#checking += 1
  }

  verify(place: number): void {
    if (this.#states[place] !== checking) return
    this.#states[place] = verified
    this.#checking -= 1
    this.#missing -= 1
  }

  /** Was in flight or checked, and must be asked for again. */
  putBack(place: number): void {
    if (this.isChecking(place)) this.#checking -= 1
    this.#states[place] = unasked
    enterUnasked(this.#rarity, place)
  }
}
