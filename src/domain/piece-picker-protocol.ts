// What a download tells its piece picker, and what it learns from it: each event of a peer or a piece is one call.
// Pieces are numbers from 0, peers are names; the time (ms) is handed in.

import type { Bitfield } from './bitfield.ts'

export interface Request {
  readonly peer: string
  readonly piece: number
}

export interface PiecePicker {
  /** `have` is copied. A peer joins with capacity 0; joining again is leaving first. */
  peerJoined(peer: string, have: Bitfield): void
  /** Has one more; also makes it worth asking again for a piece it returned. */
  peerHas(peer: string, piece: number): void
  /** The pieces that were in flight there: unasked again, unless in flight elsewhere too. */
  peerLeft(peer: string): number[]
  /**
   * How many pieces the peer may have in flight at once; fewer than it has now takes none back. And how many it delivers
   * in a second, once that is known.
   */
  setCapacity(peer: string, pieces: number, piecesPerSecond?: number): void
  /** False when `assign` would ask for nothing, whatever the budget: spares working out how much that is. */
  readonly mayAssign: boolean
  /** New requests, now in flight: at most `budgetPieces`, shared between the peers in proportion to their capacity. */
  assign(budgetPieces: number, nowMs?: number): Request[]
  /**
   * All of it arrived and is now being checked; `unwanted` are the other peers to tell to cancel it.
   * Not `fresh`: nobody waits for it from this peer any more; throw the bytes away.
   */
  received(peer: string, piece: number): { readonly fresh: boolean; readonly unwanted: readonly string[] }
  /** The check was passed: never asked for again. */
  verified(piece: number): void
  /** The check failed: unasked again, and the peer has left (its pieces in flight, as by `peerLeft`). */
  rejected(peer: string, piece: number): number[]
  /** The peer gave it back. It is asked for it again only once it delivered something else, or after `forgive`. */
  returned(peer: string, piece: number): void
  /** It would rather give what nobody has from it: unasked again, and asked of it only when it has nothing else of use. */
  declined(peer: string, piece: number): void
  /** It serves others now and will call: unasked again, and nothing is asked of it until it calls or all is forgiven. */
  busy(peer: string, piece: number): void
  /** It calls: what to ask of it now, if there is room for one more and it has something of use. */
  called(peer: string, hasRoom: boolean, nowMs?: number): Request | undefined
  /** What it gave to nobody yet, in place of what it said before. */
  setFresh(peer: string, fresh: Bitfield): void
  /** Returned pieces may be asked of the same peers again: for now and then, and when nothing else is left to do. */
  forgive(): void
  /** Pieces not verified yet. */
  readonly missing: number
  /** Requests out, counting a piece once for each peer it is in flight at. */
  readonly inFlight: number
  /** Requests out that were made at that time or later. */
  inFlightSince(ms: number): number
  isInFlightAt(peer: string, piece: number): boolean
  inFlightAt(peer: string): readonly number[]
  /** How many connected peers have it. */
  availability(piece: number): number
  /** All of it arrived, and it is being checked. */
  isChecking(piece: number): boolean
  /** It serves others and will call. */
  isBusyAt(peer: string): boolean
  /** No peer has an unasked piece, and something is still in flight. */
  readonly isEndgame: boolean
  /** Something is in flight or being checked, or some peer has a piece that nobody was asked for; else: stalled. */
  readonly canProgress: boolean
}
