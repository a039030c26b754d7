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
  forgiveAll,
  gain,
  nextToAsk,
  noteAskable,
  type PickerPeer,
  removePeer,
  shun,
} from './picker-peers.ts'
import type { PiecePicker, Request } from './piece-picker-protocol.ts'
import { add, createPieceSet, has } from './piece-set.ts'
import { countHolder, createRarity, enterUnasked, leaveUnasked, rarest } from './rarity.ts'

const unasked = 0
const inFlight = 1
const checking = 2
const verified = 3

/** `alreadyVerified` is read once. `random` gives numbers from 0 up to 1. */
export function createPiecePicker({
  verified: alreadyVerified,
  random = Math.random,
}: {
  readonly verified: Bitfield
  readonly random?: () => number
}): PiecePicker {
  const pieceCount = alreadyVerified.length
  const rarity = createRarity(pieceCount, random)
  const peers = createPickerPeers(pieceCount)
  const flights = createFlights()
  const { order, placeOf } = rarity
  /** By place, as all that follows. */
  const status = new Uint8Array(pieceCount)
  let missing = 0
  let checks = 0

  const isUnasked = (place: number) => status[place] === unasked
  const becomeUnasked = (place: number) => {
    status[place] = unasked
    enterUnasked(rarity, place)
    countForAll(peers, place, 1)
  }
  const ask = (peer: PickerPeer, place: number, nowMs: number): Request => {
    if (depart(flights, peer, place, nowMs)) {
      leaveUnasked(rarity, place)
      countForAll(peers, place, -1)
      status[place] = inFlight
    }
    noteAskable(peers, peer)
    return { peer: peer.name, piece: order[place]! }
  }
  const landIfNowhere = (place: number) => {
    if (flights.byPlace.get(place)!.peers.length > 0) return
    flights.byPlace.delete(place)
    becomeUnasked(place)
  }
  /** The peer and the place if it was in flight there, which it is no more; it may now be in flight nowhere. */
  const unask = (name: string, piece: number): [PickerPeer, number] | undefined => {
    const peer = peers.byName.get(name)
    const place = placeOf[piece]!
    if (!peer || !takeOff(flights, peer, place)) return undefined
    noteAskable(peers, peer)
    return [peer, place]
  }
  const rarestFor = (peer: PickerPeer): number => {
    const fresh = peer.fresh && rarest(rarity, peer.have, peer.avoided, peer.fresh)
    const place = fresh ?? rarest(rarity, peer.have, peer.avoided) ?? rarest(rarity, peer.have, peer.shunned)
    if (place === undefined) throw new Error('bug: a peer counted as useful has no unasked piece')
    return place
  }
  const isEndgame = () => peers.usefulInAll === 0 && flights.byPlace.size > 0

  const leave = (name: string): number[] => {
    const peer = peers.byName.get(name)
    if (!peer) return []
    const places = [...peer.inFlight.keys()]
    for (const place of places) takeOff(flights, peer, place)
    removePeer(peers, peer)
    for (let place = 0; place < pieceCount; place += 1)
      if (has(peer.have, place)) countHolder(rarity, place, -1, isUnasked(place))
    for (const place of places) landIfNowhere(place)
    return places.map(place => order[place]!)
  }
  const obtain = (peer: PickerPeer, place: number) => {
    countHolder(rarity, place, 1, isUnasked(place))
    gain(peers, peer, place, isUnasked(place))
  }

  for (let piece = 0; piece < pieceCount; piece += 1) {
    if (alreadyVerified.has(piece)) status[placeOf[piece]!] = verified
    else {
      missing += 1
      enterUnasked(rarity, placeOf[piece]!)
    }
  }

  return {
    peerJoined(name, have) {
      if (have.length !== pieceCount) throw new RangeError(`a bitfield of ${have.length}, for ${pieceCount} pieces`)
      leave(name)
      const peer = addPeer(peers, name)
      for (let piece = 0; piece < pieceCount; piece += 1) if (have.has(piece)) obtain(peer, placeOf[piece]!)
    },

    peerHas(name, piece) {
      if (piece < 0 || piece >= pieceCount) throw new RangeError(`no piece ${piece} of ${pieceCount}`)
      const peer = peers.byName.get(name)
      if (!peer) return
      const place = placeOf[piece]!
      if (has(peer.have, place)) forgive(peers, peer, place, isUnasked(place))
      else obtain(peer, place)
    },

    peerLeft: leave,

    setCapacity(name, pieces, piecesPerSecond) {
      const peer = peers.byName.get(name)
      if (!peer) return
      peer.capacity = pieces
      noteAskable(peers, peer)
      peer.piecesPerSecond = piecesPerSecond
    },

    get mayAssign() {
      return peers.askable > 0 || isEndgame()
    },

    assign(budgetPieces, nowMs = 0) {
      const requested: Request[] = []
      while (requested.length < budgetPieces) {
        const next = nextToAsk(peers)
        if (!next) break
        requested.push(ask(next, rarestFor(next), nowMs))
      }
      if (!isEndgame() || requested.length >= budgetPieces) return requested
      for (const peer of dryOnes(peers)) {
        while (requested.length < budgetPieces && peer.inFlight.size < peer.capacity) {
          const place = overtakenBy(flights, peer)
          if (place === undefined) break
          requested.push(ask(peer, place, nowMs))
        }
      }
      return requested
    },

    received(name, piece) {
      const request = peers.byName.get(name)?.inFlight.get(placeOf[piece]!)
      const taken = unask(name, piece)
      if (request === undefined || !taken) return { fresh: false, unwanted: [] }
      const [peer, place] = taken
      const unwanted = flights.byPlace.get(place)!.peers.map(other => other.name)
      for (const other of unwanted) unask(other, piece)
      flights.byPlace.delete(place)
      status[place] = checking
      checks += 1
      peer.overtook = Math.max(peer.overtook, request)
      forgiveAll(peers, peer, isUnasked)
      return { fresh: true, unwanted }
    },

    verified(piece) {
      if (status[placeOf[piece]!] !== checking) return
      status[placeOf[piece]!] = verified
      checks -= 1
      missing -= 1
    },

    rejected(name, piece) {
      const pieces = leave(name)
      if (status[placeOf[piece]!] === checking) {
        checks -= 1
        becomeUnasked(placeOf[piece]!)
      }
      return pieces
    },

    returned(name, piece) {
      const taken = unask(name, piece)
      if (!taken) return
      shun(peers, ...taken)
      landIfNowhere(taken[1])
    },

    declined(name, piece) {
      const taken = unask(name, piece)
      if (!taken) return
      avoid(peers, ...taken)
      landIfNowhere(taken[1])
    },

    busy(name, piece) {
      const taken = unask(name, piece)
      if (!taken) return
      const [peer, place] = taken
      peer.isBusy = true
      noteAskable(peers, peer)
      landIfNowhere(place)
    },

    called(name, hasRoom, nowMs = 0) {
      const peer = peers.byName.get(name)
      if (!peer) return undefined
      peer.isBusy = false
      noteAskable(peers, peer)
      // It has a place for us, not a claim to all that we want.
      if (!hasRoom || peer.inFlight.size > peer.capacity) return undefined
      if (peers.useful[peer.slot]! > 0) return ask(peer, rarestFor(peer), nowMs)
      const isDry = peers.usefulInAll === 0 && peer.inFlight.size === 0
      const place = isDry ? overtakenBy(flights, peer) : undefined
      return place === undefined ? undefined : ask(peer, place, nowMs)
    },

    setFresh(name, fresh) {
      const peer = peers.byName.get(name)
      if (!peer) return
      peer.fresh = fresh.count > 0 ? createPieceSet(pieceCount) : undefined
      if (peer.fresh)
        for (let piece = 0; piece < pieceCount; piece += 1) if (fresh.has(piece)) add(peer.fresh, placeOf[piece]!)
    },

    forgive() {
      for (const peer of peers.byName.values()) {
        peer.isBusy = false
        noteAskable(peers, peer)
        forgiveAll(peers, peer, isUnasked)
      }
    },

    get missing() {
      return missing
    },
    get inFlight() {
      return flights.requests
    },
    inFlightSince: ms => requestsSince(flights, ms),
    isInFlightAt: (name, piece) => peers.byName.get(name)?.inFlight.has(placeOf[piece]!) === true,
    inFlightAt: name => [...(peers.byName.get(name)?.inFlight.keys() ?? [])].map(place => order[place]!),
    availability: piece => rarity.holders[placeOf[piece]!]!,
    isChecking: piece => status[placeOf[piece]!] === checking,
    isBusyAt: name => peers.byName.get(name)?.isBusy === true,
    get isEndgame() {
      return isEndgame()
    },
    get canProgress() {
      return peers.usefulInAll > 0 || flights.byPlace.size > 0 || checks > 0
    },
  }
}
