// What a download tells its piece picker, and what it learns from it: one call for each event of a peer or a piece.
// Pieces are numbers from 0, peers are names; times are in milliseconds and handed in.

import type { Bitfield } from './bitfield.ts'

export interface Request {
  readonly peer: string
  readonly piece: number
}

export interface PiecePicker {
  /** `have` is copied. A peer joins with capacity 0; joining again is leaving first. */
  peerJoined(peer: string, have: Bitfield): void
  /** It has one more piece. Also makes a piece that it returned worth requesting from it again. */
  peerHas(peer: string, piece: number): void
  /** Returns the pieces that were in flight there: unasked again, unless in flight elsewhere too. */
  peerLeft(peer: string): number[]
  /**
   * How many pieces the peer may have in flight at once; fewer than it has now takes none back. `piecesPerSecond`: what it
   * delivers, once that is known.
   */
  setCapacity(peer: string, pieces: number, piecesPerSecond?: number): void
  /** False when `assign` would request nothing, whatever the budget: spares working that budget out. */
  readonly mayAssign: boolean
  /** New requests, now in flight: at most `budgetPieces`, shared between the peers in proportion to their capacity. */
  assign(budgetPieces: number, nowMs?: number): Request[]
  /**
   * All of it has arrived and is now being checked. `unwanted`: the other peers to send a cancel for it. `fresh` false: it
   * was no longer wanted from this peer; discard the bytes.
   */
  received(peer: string, piece: number): { readonly fresh: boolean; readonly unwanted: readonly string[] }
  /** It passed its check, and is never requested again. */
  verified(piece: number): void
  /** It failed its check: unasked again. The peer has left; returns its pieces in flight as `peerLeft` does. */
  rejected(peer: string, piece: number): number[]
  /** The peer gave it back. It is requested there again only once the peer delivers something else, or after `forgive`. */
  returned(peer: string, piece: number): void
  /** The peer prefers to give pieces that went to no one: unasked again, and requested there only as a last resort. */
  declined(peer: string, piece: number): void
  /** The peer has choked us: the piece is unasked again, and nothing is requested there until `unchoked` or `forgive`. */
  busy(peer: string, piece: number): void
  /** The peer has unchoked us: what to request now, if there is room for one more and it has something of use. */
  unchoked(peer: string, hasRoom: boolean, nowMs?: number): Request | undefined
  /** The pieces it gave to no one yet; replaces what it said before. */
  setFresh(peer: string, fresh: Bitfield): void
  /** Returned pieces may be requested from the same peers again. To be called now and then. */
  forgive(): void
  /** Pieces not verified yet. */
  readonly missing: number
  /** Requests in flight, counting a piece once for each peer. */
  readonly inFlight: number
  /** Requests in flight that were made at that time or later. */
  inFlightSince(ms: number): number
  isInFlightAt(peer: string, piece: number): boolean
  inFlightAt(peer: string): readonly number[]
  /** How many connected peers have it. */
  availability(piece: number): number
  /** All of it arrived, and it is being checked. */
  isChecking(piece: number): boolean
  /** The peer has choked us. */
  isBusyAt(peer: string): boolean
  /** No peer has an unasked piece, and something is still in flight. */
  readonly isEndgame: boolean
  /** Something is in flight or being checked, or some peer has an unasked piece. False: stalled. */
  readonly canProgress: boolean
}
