// Which piece is asked of which peer: the ledger of one running download. No I/O, no clock; `random` is handed in.
// Always true: a missing piece is in exactly one of unasked, in flight (at one or more peers) and being checked;
// a peer is never asked for a piece it does not have, nor for more at once than its capacity, or one more when it calls; outside the endgame a
// piece is in flight at one peer at most. Events of peers that left, or that were told to cancel, change nothing.
//
// Rarest first, after Legout et al., "Rarest First and Choke Algorithms Are Enough" (IMC 2006): what fewest connected
// peers have is asked for first. Ties go roughly by position, each piece moved back by chance within a window of its
// own for every downloader: those who start together fetch different pieces, and the beginning of the file is whole
// early, so that it can be hashed meanwhile. No random-first phase as in BEP 3: here nobody trades.
// A peer may say what it gave to nobody yet, as in super-seeding (BEP 16), but the choice stays here: that is asked of
// it first. What it declined (others got it from it) is asked of it again only when it has nothing else of use.
// Endgame, after BEP 3: once no peer has an unasked piece, a peer that ran dry is also asked for what is still in
// flight elsewhere, but only what it overtook (asked of others before what it has delivered since), or what is with
// peers that are much slower: so equal peers duplicate little, and a slow peer does not hold up the end, whenever it was
// asked. No assignment looks at pieces one by one.

import type { Bitfield } from './bitfield.ts'
import { add, createPieceSet, firstCommon, has, type PieceSet, remove } from './piece-set.ts'

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

/** Sets of pieces are kept in the order of preference among equally rare ones (`placeOf`). */
interface Peer {
  readonly have: PieceSet
  capacity: number
  piecesPerSecond: number | undefined
  /** Piece -> the number of the request for it. */
  readonly inFlight: Map<number, number>
  /** Returned, and not worth asking for again yet. */
  readonly shunned: PieceSet
  /** Shunned, or declined: then worth asking for when nothing else is. */
  readonly avoided: PieceSet
  avoidedCount: number
  /** It will call. */
  isBusy: boolean
  isAskable: boolean
  /** Given to nobody yet, as far as it said. */
  fresh: PieceSet | undefined
  /** Unasked pieces that it has and does not shun: 0 spares the search. */
  useful: number
  /** The youngest request that it has fulfilled. */
  overtook: number
}

interface Flight {
  readonly peers: Set<string>
  /** The number of the youngest request for it, and when that was made (ms). */
  youngest: number
  askedAtMs: number
}

const unasked = 0
const inFlight = 1
const checking = 2
const verified = 3

/** Peers that fetch one piece at once in the endgame, at most: one slow, one that overtook it, one more for luck. */
const mostCopies = 3

/** A peer this many times slower than an idle one does not keep its last pieces to itself. */
const muchSlower = 4

/** What an idle peer that has not been measured is taken for: another is then much slower at over ten seconds a piece. */
const presumedPiecesPerSecond = 0.4
/** How far chance moves a piece back among equally rare ones, at most: several times what a large swarm asks a seed for at once. */
const windowPieces = 64

/** `alreadyVerified` is read once. `random` gives numbers from 0 up to 1. */
export function createPiecePicker({
  verified: alreadyVerified,
  random = Math.random,
}: {
  readonly verified: Bitfield
  readonly random?: () => number
}): PiecePicker {
  const pieceCount = alreadyVerified.length
  const peers = new Map<string, Peer>()
  const status = new Uint8Array(pieceCount)
  const holders = new Uint32Array(pieceCount)
  const flights = new Map<number, Flight>()
  /** Piece at each place in the order of preference, and the place of each piece. */
  const order = Array.from({ length: pieceCount }, (_, piece) => ({ piece, at: piece + random() * windowPieces }))
    .sort((a, b) => a.at - b.at)
    .map(({ piece }) => piece)
  const placeOf = new Uint32Array(pieceCount)
  for (const [place, piece] of order.entries()) placeOf[piece] = place
  /** Unasked pieces, by how many peers have them. */
  const buckets: PieceSet[] = [createPieceSet(pieceCount)]
  let missing = 0
  let requestsOut = 0
  let checks = 0
  let asked = 0
  /** The sum of every peer's `useful`. */
  let useful = 0
  /** Peers that could be asked for something unasked now: 0 spares looking at each. */
  let askable = 0

  const enterBucket = (piece: number) => {
    buckets[holders[piece]!] ??= createPieceSet(pieceCount)
    add(buckets[holders[piece]!]!, placeOf[piece]!)
  }
  const leaveBucket = (piece: number) => remove(buckets[holders[piece]!]!, placeOf[piece]!)
  const countHolder = (piece: number, by: 1 | -1) => {
    const moves = status[piece] === unasked
    if (moves) leaveBucket(piece)
    holders[piece]! += by
    if (moves) enterBucket(piece)
  }

  const isUsefulTo = (peer: Peer, piece: number) =>
    has(peer.have, placeOf[piece]!) && !has(peer.shunned, placeOf[piece]!)
  /** After every change to what this looks at. */
  const noteAskable = (peer: Peer) => {
    const isAskable = peer.useful > 0 && !peer.isBusy && peer.inFlight.size < peer.capacity
    if (isAskable === peer.isAskable) return
    peer.isAskable = isAskable
    askable += isAskable ? 1 : -1
  }
  const countUseful = (peer: Peer, by: 1 | -1) => {
    peer.useful += by
    useful += by
    noteAskable(peer)
  }
  const becomeUnasked = (piece: number) => {
    status[piece] = unasked
    enterBucket(piece)
    for (const peer of peers.values()) if (isUsefulTo(peer, piece)) countUseful(peer, 1)
  }
  const ceaseUnasked = (piece: number) => {
    leaveBucket(piece)
    for (const peer of peers.values()) if (isUsefulTo(peer, piece)) countUseful(peer, -1)
  }
  const gain = (peer: Peer, piece: number) => {
    add(peer.have, placeOf[piece]!)
    countHolder(piece, 1)
    if (status[piece] === unasked) countUseful(peer, 1)
  }
  const forgivePiece = (peer: Peer, piece: number) => {
    const place = placeOf[piece]!
    if (remove(peer.avoided, place)) peer.avoidedCount -= 1
    if (remove(peer.shunned, place) && status[piece] === unasked) countUseful(peer, 1)
  }
  const avoid = (peer: Peer, piece: number) => {
    if (add(peer.avoided, placeOf[piece]!)) peer.avoidedCount += 1
  }
  const forgiveAll = (peer: Peer) => {
    for (let place = 0; peer.avoidedCount > 0; place += 1)
      if (has(peer.avoided, place)) forgivePiece(peer, order[place]!)
  }

  const ask = (name: string, peer: Peer, piece: number, nowMs: number): Request => {
    asked += 1
    const flight = flights.get(piece)
    if (flight) {
      flight.peers.add(name)
      flight.youngest = asked
      flight.askedAtMs = nowMs
    } else {
      ceaseUnasked(piece)
      status[piece] = inFlight
      flights.set(piece, { peers: new Set([name]), youngest: asked, askedAtMs: nowMs })
    }
    peer.inFlight.set(piece, asked)
    noteAskable(peer)
    requestsOut += 1
    return { peer: name, piece }
  }
  /** Takes one request off; false when there was none. The piece may now be in flight nowhere. */
  const unask = (name: string, piece: number): boolean => {
    const peer = peers.get(name)
    if (!peer?.inFlight.delete(piece)) return false
    noteAskable(peer)
    flights.get(piece)!.peers.delete(name)
    requestsOut -= 1
    return true
  }
  const landIfNowhere = (piece: number) => {
    if (flights.get(piece)!.peers.size > 0) return
    flights.delete(piece)
    becomeUnasked(piece)
  }

  const rarest = (peer: Peer, but: PieceSet, within?: PieceSet): number | undefined => {
    for (const bucket of buckets) {
      const place = bucket && firstCommon(bucket, peer.have, but, within)
      if (place !== undefined) return order[place]
    }
    return undefined
  }
  const rarestFor = (peer: Peer): number => {
    const fresh = peer.fresh && rarest(peer, peer.avoided, peer.fresh)
    const piece = fresh ?? rarest(peer, peer.avoided) ?? rarest(peer, peer.shunned)
    if (piece === undefined) throw new Error('bug: a peer counted as useful has no unasked piece')
    return piece
  }
  const isLeftBehind = (flight: Flight, peer: Peer): boolean => {
    const most = (peer.piecesPerSecond ?? presumedPiecesPerSecond) / muchSlower
    return [...flight.peers].every(name => (peers.get(name)!.piecesPerSecond ?? Number.POSITIVE_INFINITY) <= most)
  }
  /** The piece overtaken that has waited longest: flights are kept in the order of their first request. */
  const overtakenBy = (peer: Peer): number | undefined => {
    for (const [piece, flight] of flights) {
      if (flight.peers.size >= mostCopies) continue
      const isOvertaken = flight.youngest < peer.overtook || isLeftBehind(flight, peer)
      if (isOvertaken && !peer.inFlight.has(piece) && isUsefulTo(peer, piece)) return piece
    }
    return undefined
  }
  /** Of those with room, the least loaded for its capacity; of equals, the one with least to choose from. */
  const nextToAsk = (): [string, Peer] | undefined => {
    if (askable === 0) return undefined
    let next: [string, Peer] | undefined
    let leastLoad = 1
    for (const [name, peer] of peers) {
      if (!peer.isAskable) continue
      const load = peer.inFlight.size / peer.capacity
      if (load > leastLoad || (next && load === leastLoad && peer.useful >= next[1].useful)) continue
      next = [name, peer]
      leastLoad = load
    }
    return next
  }

  const leave = (name: string): number[] => {
    const peer = peers.get(name)
    if (!peer) return []
    const pieces = [...peer.inFlight.keys()]
    for (const piece of pieces) unask(name, piece)
    useful -= peer.useful
    if (peer.isAskable) askable -= 1
    peers.delete(name)
    for (let piece = 0; piece < pieceCount; piece += 1) if (has(peer.have, placeOf[piece]!)) countHolder(piece, -1)
    for (const piece of pieces) landIfNowhere(piece)
    return pieces
  }

  for (let piece = 0; piece < pieceCount; piece += 1) {
    if (alreadyVerified.has(piece)) status[piece] = verified
    else {
      missing += 1
      enterBucket(piece)
    }
  }

  return {
    peerJoined(name, have) {
      if (have.length !== pieceCount) throw new RangeError(`a bitfield of ${have.length}, for ${pieceCount} pieces`)
      leave(name)
      const peer: Peer = {
        have: createPieceSet(pieceCount),
        capacity: 0,
        piecesPerSecond: undefined,
        inFlight: new Map(),
        shunned: createPieceSet(pieceCount),
        avoided: createPieceSet(pieceCount),
        avoidedCount: 0,
        isBusy: false,
        isAskable: false,
        fresh: undefined,
        useful: 0,
        overtook: 0,
      }
      peers.set(name, peer)
      for (let piece = 0; piece < pieceCount; piece += 1) if (have.has(piece)) gain(peer, piece)
    },

    peerHas(name, piece) {
      if (piece < 0 || piece >= pieceCount) throw new RangeError(`no piece ${piece} of ${pieceCount}`)
      const peer = peers.get(name)
      if (!peer) return
      if (has(peer.have, placeOf[piece]!)) forgivePiece(peer, piece)
      else gain(peer, piece)
    },

    peerLeft: leave,

    setCapacity(name, pieces, piecesPerSecond) {
      const peer = peers.get(name)
      if (!peer) return
      peer.capacity = pieces
      noteAskable(peer)
      peer.piecesPerSecond = piecesPerSecond
    },

    assign(budgetPieces, nowMs = 0) {
      const requested: Request[] = []
      if (budgetPieces <= 0) return requested
      while (requested.length < budgetPieces) {
        const next = nextToAsk()
        if (!next) break
        requested.push(ask(...next, rarestFor(next[1]), nowMs))
      }
      if (useful > 0 || flights.size === 0) return requested
      const dry = [...peers]
        .filter(([, peer]) => peer.inFlight.size === 0 && !peer.isBusy)
        .sort(([, a], [, b]) => b.capacity - a.capacity)
      for (const [name, peer] of dry) {
        while (requested.length < budgetPieces && peer.inFlight.size < peer.capacity) {
          const piece = overtakenBy(peer)
          if (piece === undefined) break
          requested.push(ask(name, peer, piece, nowMs))
        }
      }
      return requested
    },

    received(name, piece) {
      const peer = peers.get(name)
      const request = peer?.inFlight.get(piece)
      if (!peer || request === undefined) return { fresh: false, unwanted: [] }
      unask(name, piece)
      const unwanted = [...flights.get(piece)!.peers]
      for (const other of unwanted) unask(other, piece)
      flights.delete(piece)
      status[piece] = checking
      checks += 1
      peer.overtook = Math.max(peer.overtook, request)
      forgiveAll(peer)
      return { fresh: true, unwanted }
    },

    verified(piece) {
      if (status[piece] !== checking) return
      status[piece] = verified
      checks -= 1
      missing -= 1
    },

    rejected(name, piece) {
      const pieces = leave(name)
      if (status[piece] === checking) {
        checks -= 1
        becomeUnasked(piece)
      }
      return pieces
    },

    returned(name, piece) {
      if (!unask(name, piece)) return
      avoid(peers.get(name)!, piece)
      add(peers.get(name)!.shunned, placeOf[piece]!)
      landIfNowhere(piece)
    },

    declined(name, piece) {
      if (!unask(name, piece)) return
      avoid(peers.get(name)!, piece)
      landIfNowhere(piece)
    },

    busy(name, piece) {
      if (!unask(name, piece)) return
      const peer = peers.get(name)!
      peer.isBusy = true
      noteAskable(peer)
      landIfNowhere(piece)
    },

    called(name, hasRoom, nowMs = 0) {
      const peer = peers.get(name)
      if (!peer) return undefined
      peer.isBusy = false
      noteAskable(peer)
      // It has a place for us, not a claim to all that we want.
      if (!hasRoom || peer.inFlight.size > peer.capacity) return undefined
      if (peer.useful > 0) return ask(name, peer, rarestFor(peer), nowMs)
      const isDry = useful === 0 && peer.inFlight.size === 0
      const piece = isDry ? overtakenBy(peer) : undefined
      return piece === undefined ? undefined : ask(name, peer, piece, nowMs)
    },

    setFresh(name, fresh) {
      const peer = peers.get(name)
      if (!peer) return
      peer.fresh = fresh.count > 0 ? createPieceSet(pieceCount) : undefined
      if (peer.fresh)
        for (let piece = 0; piece < pieceCount; piece += 1) if (fresh.has(piece)) add(peer.fresh, placeOf[piece]!)
    },

    forgive() {
      for (const peer of peers.values()) {
        peer.isBusy = false
        noteAskable(peer)
        forgiveAll(peer)
      }
    },

    get missing() {
      return missing
    },
    get inFlight() {
      return requestsOut
    },
    inFlightSince(ms) {
      let before = 0
      for (const flight of flights.values()) if (flight.askedAtMs < ms) before += flight.peers.size
      return requestsOut - before
    },
    isInFlightAt: (name, piece) => peers.get(name)?.inFlight.has(piece) === true,
    inFlightAt: name => [...(peers.get(name)?.inFlight.keys() ?? [])],
    availability: piece => holders[piece]!,
    isChecking: piece => status[piece] === checking,
    isBusyAt: peer => peers.get(peer)?.isBusy === true,
    get isEndgame() {
      return useful === 0 && flights.size > 0
    },
    get canProgress() {
      return useful > 0 || flights.size > 0 || checks > 0
    },
  }
}
