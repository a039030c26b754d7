// Which piece is asked of which peer: the ledger of one running download. No I/O, no clock; `random` is handed in.
// Always true: a missing piece is in exactly one of unasked, in flight (at one or more peers) and being checked; a peer
// is never asked for a piece it does not have, nor for more at once than its capacity, or one more when it calls; outside
// the endgame a piece is in flight at one peer at most. Events of peers that left, or that were told to cancel, change
// nothing. No assignment looks at pieces one by one, and no event at every peer.
//
// Rarest first (rarity.ts), after Legout et al., "Rarest First and Choke Algorithms Are Enough" (IMC 2006): what fewest
// connected peers have is asked for first. No random-first phase as in BEP 3: here nobody trades.
// A peer may say what it gave to nobody yet, as in super-seeding (BEP 16), but the choice stays here: that is asked of
// it first. What it declined (others got it from it) is asked of it again only when it has nothing else of use.
// Endgame, after BEP 3: once no peer has an unasked piece, a peer that ran dry is also asked for what is still in
// flight elsewhere, but only what it overtook (asked of others before what it has delivered since), or what is with
// peers that are much slower: so equal peers duplicate little, and a slow peer does not hold up the end, whenever it was
// asked.

import type { Bitfield } from './bitfield.ts'
import { createFlights, depart, dryOnes, overtakenBy, requestsSince, takeOff } from './flights.ts'
import {
  addPeer,
  avoid,
  countForAll,
  createPickerPeers,
  forgive,
  gain,
  nextToAsk,
  noteAskable,
  type PickerPeer,
  type PickerPeers,
  removePeer,
  shun,
} from './picker-peers.ts'
import type { PiecePicker, Request } from './piece-picker-protocol.ts'
import { add, createPieceSet, has, type PieceSet } from './piece-set.ts'
import { countHolder, createRarity, enterUnasked, leaveUnasked, type Rarity, rarest } from './rarity.ts'

const unasked = 0
const inFlight = 1
const checking = 2
const verified = 3

/** A class, for V8 keeps object literals with getters as hash tables, and a swarm simulated has thousands of these. */
class RarestFirst implements PiecePicker {
  readonly #pieceCount: number
  readonly #rarity: Rarity
  readonly #peers: PickerPeers
  readonly #flights = createFlights()
  /** By place. */
  readonly #status: Uint8Array
  #missing = 0
  #checks = 0

  constructor(alreadyVerified: Bitfield, random: () => number) {
    const pieceCount = alreadyVerified.length
    this.#pieceCount = pieceCount
    this.#rarity = createRarity(pieceCount, random)
    this.#peers = createPickerPeers(pieceCount)
    this.#status = new Uint8Array(pieceCount)
    for (let place = 0; place < pieceCount; place += 1) {
      if (alreadyVerified.has(this.#pieceAt(place))) this.#status[place] = verified
      else {
        this.#missing += 1
        enterUnasked(this.#rarity, place)
      }
    }
  }

  peerJoined(name: string, have: Bitfield) {
    const { length } = have
    if (length !== this.#pieceCount) throw new RangeError(`a bitfield of ${length}, for ${this.#pieceCount} pieces`)
    this.peerLeft(name)
    const peer = addPeer(this.#peers, name)
    for (let piece = 0; piece < length; piece += 1) if (have.has(piece)) this.#obtain(peer, this.#placeOf(piece))
  }

  peerHas(name: string, piece: number) {
    if (piece < 0 || piece >= this.#pieceCount) throw new RangeError(`no piece ${piece} of ${this.#pieceCount}`)
    const peer = this.#peers.byName.get(name)
    if (!peer) return
    const place = this.#placeOf(piece)
    if (has(peer.have, place)) forgive(this.#peers, peer, place, this.#isUnasked(place))
    else this.#obtain(peer, place)
  }

  peerLeft(name: string) {
    const peer = this.#peers.byName.get(name)
    if (!peer) return []
    const places = [...peer.inFlight.keys()]
    for (const place of places) takeOff(this.#flights, peer, place)
    removePeer(this.#peers, peer)
    for (let place = 0; place < this.#pieceCount; place += 1)
      if (has(peer.have, place)) countHolder(this.#rarity, place, -1, this.#isUnasked(place))
    for (const place of places) this.#landIfNowhere(place)
    return places.map(place => this.#pieceAt(place))
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
      requested.push(this.#ask(next, this.#rarestFor(next), nowMs))
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
    const place = this.#placeOf(piece)
    const request = this.#peers.byName.get(name)?.inFlight.get(place)
    const peer = this.#unask(name, piece)
    if (request === undefined || !peer) return { fresh: false, unwanted: [] }
    const unwanted = this.#flights.byPlace.get(place)!.peers.map(other => other.name)
    for (const other of unwanted) this.#unask(other, piece)
    this.#flights.byPlace.delete(place)
    this.#status[place] = checking
    this.#checks += 1
    peer.overtook = Math.max(peer.overtook, request)
    this.#forgiveAll(peer)
    return { fresh: true, unwanted }
  }

  verified(piece: number) {
    if (this.#status[this.#placeOf(piece)] !== checking) return
    this.#status[this.#placeOf(piece)] = verified
    this.#checks -= 1
    this.#missing -= 1
  }

  rejected(name: string, piece: number) {
    const pieces = this.peerLeft(name)
    if (this.#status[this.#placeOf(piece)] === checking) {
      this.#checks -= 1
      this.#becomeUnasked(this.#placeOf(piece))
    }
    return pieces
  }

  returned(name: string, piece: number) {
    const peer = this.#unask(name, piece)
    if (!peer) return
    shun(this.#peers, peer, this.#placeOf(piece))
    this.#landIfNowhere(this.#placeOf(piece))
  }

  declined(name: string, piece: number) {
    const peer = this.#unask(name, piece)
    if (!peer) return
    avoid(this.#peers, peer, this.#placeOf(piece))
    this.#landIfNowhere(this.#placeOf(piece))
  }

  busy(name: string, piece: number) {
    const peer = this.#unask(name, piece)
    if (!peer) return
    peer.isBusy = true
    noteAskable(this.#peers, peer)
    this.#landIfNowhere(this.#placeOf(piece))
  }

  called(name: string, hasRoom: boolean, nowMs = 0) {
    const peer = this.#peers.byName.get(name)
    if (!peer) return undefined
    peer.isBusy = false
    noteAskable(this.#peers, peer)
    // It has a place for us, not a claim to all that we want.
    if (!hasRoom || peer.inFlight.size > peer.capacity) return undefined
    if (this.#peers.useful[peer.slot]! > 0) return this.#ask(peer, this.#rarestFor(peer), nowMs)
    const isDry = this.#peers.usefulInAll === 0 && peer.inFlight.size === 0
    const place = isDry ? overtakenBy(this.#flights, peer) : undefined
    return place === undefined ? undefined : this.#ask(peer, place, nowMs)
  }

  setFresh(name: string, fresh: Bitfield) {
    const peer = this.#peers.byName.get(name)
    if (!peer) return
    peer.fresh = fresh.count > 0 ? createPieceSet(this.#pieceCount) : undefined
    for (let piece = 0; peer.fresh && piece < this.#pieceCount; piece += 1)
      if (fresh.has(piece)) add(peer.fresh, this.#placeOf(piece))
  }

  forgive() {
    for (const peer of this.#peers.byName.values()) {
      peer.isBusy = false
      noteAskable(this.#peers, peer)
      this.#forgiveAll(peer)
    }
  }

  get missing() {
    return this.#missing
  }
  get inFlight() {
    return this.#flights.requests
  }
  inFlightSince(ms: number) {
    return requestsSince(this.#flights, ms)
  }
  isInFlightAt(name: string, piece: number) {
    return this.#peers.byName.get(name)?.inFlight.has(this.#placeOf(piece)) === true
  }
  inFlightAt(name: string) {
    const places = this.#peers.byName.get(name)?.inFlight.keys() ?? []
    return Array.from(places, place => this.#pieceAt(place))
  }
  availability(piece: number) {
    return this.#rarity.holders[this.#placeOf(piece)]!
  }
  isChecking(piece: number) {
    return this.#status[this.#placeOf(piece)] === checking
  }
  isBusyAt(name: string) {
    return this.#peers.byName.get(name)?.isBusy === true
  }
  get isEndgame() {
    return this.#peers.usefulInAll === 0 && this.#flights.byPlace.size > 0
  }
  get canProgress() {
    return this.#peers.usefulInAll > 0 || this.#flights.byPlace.size > 0 || this.#checks > 0
  }

  #placeOf(piece: number) {
    return this.#rarity.placeOf[piece]!
  }
  #pieceAt(place: number) {
    return this.#rarity.order[place]!
  }
  #isUnasked(place: number) {
    return this.#status[place] === unasked
  }
  #becomeUnasked(place: number) {
    this.#status[place] = unasked
    enterUnasked(this.#rarity, place)
    countForAll(this.#peers, place, 1)
  }
  #obtain(peer: PickerPeer, place: number) {
    countHolder(this.#rarity, place, 1, this.#isUnasked(place))
    gain(this.#peers, peer, place, this.#isUnasked(place))
  }
  #ask(peer: PickerPeer, place: number, nowMs: number): Request {
    if (depart(this.#flights, peer, place, nowMs)) {
      leaveUnasked(this.#rarity, place)
      countForAll(this.#peers, place, -1)
      this.#status[place] = inFlight
    }
    noteAskable(this.#peers, peer)
    return { peer: peer.name, piece: this.#pieceAt(place) }
  }
  /** The peer, if the piece was in flight there, which it is no more; it may now be in flight nowhere. */
  #unask(name: string, piece: number): PickerPeer | undefined {
    const peer = this.#peers.byName.get(name)
    if (!peer || !takeOff(this.#flights, peer, this.#placeOf(piece))) return undefined
    noteAskable(this.#peers, peer)
    return peer
  }
  #landIfNowhere(place: number) {
    if (this.#flights.byPlace.get(place)!.peers.length > 0) return
    this.#flights.byPlace.delete(place)
    this.#becomeUnasked(place)
  }
  #rarestFor({ have, avoided, shunned, fresh }: PickerPeer): number {
    const rarestBut = (but: PieceSet | undefined) => rarest(this.#rarity, have, but)
    const place = (fresh && rarest(this.#rarity, have, avoided, fresh)) ?? rarestBut(avoided) ?? rarestBut(shunned)
    if (place === undefined) throw new Error('bug: a peer counted as useful has no unasked piece')
    return place
  }
  #forgiveAll(peer: PickerPeer) {
    for (let place = 0; peer.avoidedCount > 0; place += 1)
      if (has(peer.avoided!, place)) forgive(this.#peers, peer, place, this.#isUnasked(place))
  }
}

/** `alreadyVerified` is read once. `random` gives numbers from 0 up to 1. */
export const createPiecePicker = ({
  verified: alreadyVerified,
  random = Math.random,
}: {
  readonly verified: Bitfield
  readonly random?: () => number
}): PiecePicker => new RarestFirst(alreadyVerified, random)
