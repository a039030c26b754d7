// The requests of one download that are in flight: which place (rarity.ts) at which peers, and since when. Always: a place
// is here while it is in flight at one peer at least; places are in the order of their first request.

import { isUsableAt, type PickerPeer, type PickerPeers } from './picker-peers.ts'

export interface Flight {
  readonly peers: PickerPeer[]
  /** The number of the youngest request for it, and when that was made (ms). */
  youngest: number
  askedAtMs: number
}

export interface Flights {
  readonly byPlace: Map<number, Flight>
  /** Counting a place once for each peer. */
  requests: number
  /** Requests made so far. */
  asked: number
  /** None is older (ms). */
  oldestMs: number
}

/** Peers that fetch one piece at once in the endgame, at most: a slow one, one that overtook it, and a spare. */
const mostCopies = 3

/** A peer this many times slower than an idle one does not keep its last pieces to itself. */
const muchSlower = 4

/** Assumed of an idle peer that is not measured yet: another is then much slower at over ten seconds a piece. */
const presumedPiecesPerSecond = 0.4

export const createFlights = (): Flights => ({ byPlace: new Map(), requests: 0, asked: 0, oldestMs: 0 })

/** False when it was in flight elsewhere already. */
export function depart(flights: Flights, peer: PickerPeer, place: number, nowMs: number): boolean {
  const flight = flights.byPlace.get(place)
  flights.asked += 1
  flights.requests += 1
  if (nowMs < flights.oldestMs) flights.oldestMs = nowMs
  peer.inFlight.set(place, flights.asked)
  if (!flight) {
    flights.byPlace.set(place, { peers: [peer], youngest: flights.asked, askedAtMs: nowMs })
    return true
  }
  flight.peers.push(peer)
  flight.youngest = flights.asked
  flight.askedAtMs = nowMs
  return false
}

/** Takes one request off; false when there was none. The place may now be in flight nowhere. */
export function takeOff(flights: Flights, peer: PickerPeer, place: number): boolean {
  if (!peer.inFlight.delete(place)) return false
  const { peers } = flights.byPlace.get(place)!
  peers.splice(peers.indexOf(peer), 1)
  flights.requests -= 1
  return true
}

/** Requests that were made at that time or later. */
export function requestsSince(flights: Flights, ms: number): number {
  if (ms <= flights.oldestMs) return flights.requests
  let before = 0
  let oldestMs = Number.POSITIVE_INFINITY
  for (const { peers, askedAtMs } of flights.byPlace.values()) {
    if (askedAtMs < ms) before += peers.length
    if (askedAtMs < oldestMs) oldestMs = askedAtMs
  }
  flights.oldestMs = oldestMs
  return flights.requests - before
}

const isLeftBehind = (flight: Flight, peer: PickerPeer): boolean => {
  const most = (peer.piecesPerSecond ?? presumedPiecesPerSecond) / muchSlower
  return flight.peers.every(({ piecesPerSecond = Number.POSITIVE_INFINITY }) => piecesPerSecond <= most)
}

/** The place overtaken by the peer that has waited longest. */
export function overtakenBy(flights: Flights, peer: PickerPeer): number | undefined {
  for (const [place, flight] of flights.byPlace) {
    if (flight.peers.length >= mostCopies) continue
    const isOvertaken = flight.youngest < peer.overtook || isLeftBehind(flight, peer)
    if (isOvertaken && !peer.inFlight.has(place) && isUsableAt(peer, place)) return place
  }
  return undefined
}

/** Peers that have nothing to do, those that could do most first. */
export const dryOnes = (peers: PickerPeers): PickerPeer[] =>
  [...peers.byName.values()]
    .filter(peer => peer.inFlight.size === 0 && !peer.isBusy)
    .sort((a, b) => b.capacity - a.capacity)
