// What a device had of a share from the beginning goes out once before anything goes out twice, as in super-seeding
// (BEP 16), except that nothing is hidden: a piece that a connected peer was given already is declined once, and the
// peer is told which pieces went to no one. One of these a share, over all sessions that fetch it. No I/O.

import { type Bitfield, createBitfield } from './bitfield.ts'

export class SuperSeeding {
  readonly #own: Bitfield
  /** Own pieces that no connected peer was given. */
  readonly fresh: Bitfield
  /** By piece: to how many connected peers it was given. */
  readonly #given: Uint32Array
  sessions = 0

  constructor(own: Bitfield) {
    this.#own = createBitfield(own.length, own.toBytes())
    this.fresh = createBitfield(own.length, own.toBytes())
    this.#given = new Uint32Array(own.length)
  }

  /** To a peer that was not given it before. */
  give(piece: number): void {
    this.#given[piece]! += 1
    if (this.fresh.has(piece)) this.fresh.remove(piece)
  }

  /** A peer that was given the piece has left. */
  takeBack(piece: number): void {
    this.#given[piece]! -= 1
    if (this.#given[piece] === 0 && this.#own.has(piece)) this.fresh.add(piece)
  }

  /** Whether a fresh piece would serve the swarm better. `isAgain`: the peer was given this one before. */
  isBetterDeclined(piece: number, isAgain: boolean): boolean {
    return this.fresh.count > 0 && this.#own.has(piece) && this.#given[piece]! > (isAgain ? 1 : 0)
  }
}
