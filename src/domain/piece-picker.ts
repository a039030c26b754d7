// Which piece to request from which peer: the ledger of one running download. No I/O, no clock; `random` is handed in.
// Always: a missing piece is unasked, in flight at one peer or more, or being checked (piece-states.ts); a peer is never
// asked for a piece it does not have, nor for more at once than its capacity, or one more when it unchokes us; outside the
// endgame a piece is in flight at one peer at most. Events of peers that left, or that were told to cancel, change nothing.
// No assignment looks at pieces one by one, and no event at every peer.
//
// Rarest first (rarity.ts), after Legout et al., "Rarest First and Choke Algorithms Are Enough" (IMC 2006). No random
// first piece as in BEP 3: here peers do not trade. A peer may list pieces that it gave to no one yet, as in super-seeding
// (BEP 16); those are requested from it first. A piece it declined is requested from it again only when it has nothing
// else of use.
// Endgame, after BEP 3: once no peer has an unasked piece, a peer that ran dry is also asked for pieces in flight
// elsewhere, but only for those it overtook (asked before what it has delivered since) and those at much slower peers. So
// equal peers duplicate little, and a slow peer does not hold up the end.

import type { Bitfield } from './bitfield.ts'
import { createFlights, depart, dryOnes, overtakenBy, requestsSince, takeOff } from './flights.ts'
import {
  addPeer,
  avoid,
  countForAll,
  createPickerPeers,
  forgive,
  forgiveAll,
  gain,
  nextToAsk,
  noteAskable,
  type PickerPeer,
  type PickerPeers,
  removePeer,
  shun,
} from './picker-peers.ts'
import type { PiecePicker, Request } from './piece-picker-protocol.ts'
import { add, createPieceSet, has } from './piece-set.ts'
import { PieceStates } from './piece-states.ts'

/** A class: V8 keeps object literals with getters as hash tables, and a simulated swarm has thousands of these. */
class RarestFirst implements PiecePicker {
  readonly #pieces: PieceStates
  readonly #peers: PickerPeers
  readonly #flights = createFlights()

  constructor(alreadyVerified: Bitfield, random: () => number) {
    this.#pieces = new PieceStates(alreadyVerified, random)
    this.#peers = createPickerPeers(alreadyVerified.length)
  }

  peerJoined(name: string, have: Bitfield) {
    const { length } = have
    if (length !== this.#pieces.pieceCount)
      throw new RangeError(`a bitfield of ${length}, for ${this.#pieces.pieceCount} pieces`)
    this.peerLeft(name)
    const peer = addPeer(this.#peers, name)
    for (let piece = 0; piece < length; piece += 1) if (have.has(piece)) this.#obtain(peer, this.#pieces.placeOf(piece))
  }

  peerHas(name: string, piece: number) {
    if (piece < 0 || piece >= this.#pieces.pieceCount)
      throw new RangeError(`no piece ${piece} of ${this.#pieces.pieceCount}`)
    const peer = this.#peers.byName.get(name)
    if (!peer) return
    const place = this.#pieces.placeOf(piece)
    if (has(peer.have, place)) forgive(this.#peers, peer, place, this.#pieces.isUnasked(place))
    else this.#obtain(peer, place)
  }

  peerLeft(name: string) {
    const peer = this.#peers.byName.get(name)
    if (!peer) return []
    const places = [...peer.inFlight.keys()]
    for (const place of places) takeOff(this.#flights, peer, place)
    removePeer(this.#peers, peer)
    for (let place = 0; place < this.#pieces.pieceCount; place += 1)
      if (has(peer.have, place)) this.#pieces.countHolder(place, -1)
    for (const place of places) this.#landIfNowhere(place)
    return places.map(place => this.#pieces.pieceAt(place))
  }

  setCapacity(name: string, pieces: number, piecesPerSecond?: number) {
    const peer = this.#peers.byName.get(name)
    if (!peer) return
    peer.capacity = pieces
    noteAskable(this.#peers, peer)
    peer.piecesPerSecond = piecesPerSecond
  }

  get mayAssign() {
    return this.#peers.askable > 0 || this.isEndgame
  }

  assign(budgetPieces: number, nowMs = 0) {
    const requested: Request[] = []
    while (requested.length < budgetPieces) {
      const next = nextToAsk(this.#peers)
      if (!next) break
      requested.push(this.#ask(next, this.#pieces.bestFor(next), nowMs))
    }
    if (!this.isEndgame || requested.length >= budgetPieces) return requested
    for (const peer of dryOnes(this.#peers)) {
      while (requested.length < budgetPieces && peer.inFlight.size < peer.capacity) {
        const place = overtakenBy(this.#flights, peer)
        if (place === undefined) break
        requested.push(this.#ask(peer, place, nowMs))
      }
    }
    return requested
  }

  received(name: string, piece: number) {
    const place = this.#pieces.placeOf(piece)
    const request = this.#peers.byName.get(name)?.inFlight.get(place)
    const peer = this.#unask(name, piece)
    if (request === undefined || !peer) return { fresh: false, unwanted: [] }
    const unwanted = this.#flights.byPlace.get(place)!.peers.map(other => other.name)
    for (const other of unwanted) this.#unask(other, piece)
    this.#flights.byPlace.delete(place)
    this.#pieces.check(place)
    peer.overtook = Math.max(peer.overtook, request)
    forgiveAll(this.#peers, peer, place => this.#pieces.isUnasked(place))
    return { fresh: true, unwanted }
  }

  verified(piece: number) {
    this.#pieces.verify(this.#pieces.placeOf(piece))
  }

  rejected(name: string, piece: number) {
    const pieces = this.peerLeft(name)
    const place = this.#pieces.placeOf(piece)
    if (this.#pieces.isChecking(place)) this.#putBack(place)
    return pieces
  }

  returned(name: string, piece: number) {
    const peer = this.#unask(name, piece)
    if (!peer) return
    shun(this.#peers, peer, this.#pieces.placeOf(piece))
    this.#landIfNowhere(this.#pieces.placeOf(piece))
  }

  declined(name: string, piece: number) {
    const peer = this.#unask(name, piece)
    if (!peer) return
    avoid(this.#peers, peer, this.#pieces.placeOf(piece))
    this.#landIfNowhere(this.#pieces.placeOf(piece))
  }

  busy(name: string, piece: number) {
    const peer = this.#unask(name, piece)
    if (!peer) return
    peer.isBusy = true
    noteAskable(this.#peers, peer)
    this.#landIfNowhere(this.#pieces.placeOf(piece))
  }

  unchoked(name: string, hasRoom: boolean, nowMs = 0) {
    const peer = this.#peers.byName.get(name)
    if (!peer) return undefined
    peer.isBusy = false
    noteAskable(this.#peers, peer)
    // It has a place for us, not a claim to all that we want.
    if (!hasRoom || peer.inFlight.size > peer.capacity) return undefined
    if (this.#peers.useful[peer.slot]! > 0) return this.#ask(peer, this.#pieces.bestFor(peer), nowMs)
    const isDry = this.#peers.usefulInAll === 0 && peer.inFlight.size === 0
    const place = isDry ? overtakenBy(this.#flights, peer) : undefined
    return place === undefined ? undefined : this.#ask(peer, place, nowMs)
  }

  setFresh(name: string, fresh: Bitfield) {
    const peer = this.#peers.byName.get(name)
    if (!peer) return
    peer.fresh = fresh.count > 0 ? createPieceSet(this.#pieces.pieceCount) : undefined
    for (let piece = 0; peer.fresh && piece < this.#pieces.pieceCount; piece += 1)
      if (fresh.has(piece)) add(peer.fresh, this.#pieces.placeOf(piece))
  }

  forgive() {
    for (const peer of this.#peers.byName.values()) {
      peer.isBusy = false
      noteAskable(this.#peers, peer)
      forgiveAll(this.#peers, peer, place => this.#pieces.isUnasked(place))
    }
  }

  get missing() {
    return this.#pieces.missing
  }
  get inFlight() {
    return this.#flights.requests
  }
  inFlightSince(ms: number) {
    return requestsSince(this.#flights, ms)
  }
  isInFlightAt(name: string, piece: number) {
    return this.#peers.byName.get(name)?.inFlight.has(this.#pieces.placeOf(piece)) === true
  }
  inFlightAt(name: string) {
    const places = this.#peers.byName.get(name)?.inFlight.keys() ?? []
    return Array.from(places, place => this.#pieces.pieceAt(place))
  }
  availability(piece: number) {
    return this.#pieces.holders(this.#pieces.placeOf(piece))
  }
  isChecking(piece: number) {
    return this.#pieces.isChecking(this.#pieces.placeOf(piece))
  }
  isBusyAt(name: string) {
    return this.#peers.byName.get(name)?.isBusy === true
  }
  get isEndgame() {
    return this.#peers.usefulInAll === 0 && this.#flights.byPlace.size > 0
  }
  get canProgress() {
    return this.#peers.usefulInAll > 0 || this.#flights.byPlace.size > 0 || this.#pieces.checking > 0
  }

  #putBack(place: number) {
    this.#pieces.putBack(place)
    countForAll(this.#peers, place, 1)
  }
  #obtain(peer: PickerPeer, place: number) {
    this.#pieces.countHolder(place, 1)
    gain(this.#peers, peer, place, this.#pieces.isUnasked(place))
  }
  #ask(peer: PickerPeer, place: number, nowMs: number): Request {
    if (depart(this.#flights, peer, place, nowMs)) {
      this.#pieces.ask(place)
      countForAll(this.#peers, place, -1)
    }
    noteAskable(this.#peers, peer)
    return { peer: peer.name, piece: this.#pieces.pieceAt(place) }
  }
  /** The peer, if the piece was in flight there. The piece is no longer in flight there, and maybe nowhere. */
  #unask(name: string, piece: number): PickerPeer | undefined {
    const peer = this.#peers.byName.get(name)
    if (!peer || !takeOff(this.#flights, peer, this.#pieces.placeOf(piece))) return undefined
    noteAskable(this.#peers, peer)
    return peer
  }
  #landIfNowhere(place: number) {
    if (this.#flights.byPlace.get(place)!.peers.length > 0) return
    this.#flights.byPlace.delete(place)
    this.#putBack(place)
  }
}

/** `verified` is read once. `random` gives numbers from 0 up to 1. */
export const createPiecePicker = (of: { readonly verified: Bitfield; readonly random?: () => number }): PiecePicker =>
  new RarestFirst(of.verified, of.random ?? Math.random)
