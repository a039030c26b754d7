// The peers of one download as its piece picker sees them, and how many unasked pieces each of them is good for.
// Always: `useful` of a peer counts the unasked places that it has and that are not shunned there; `usefulInAll` is the
// sum over all peers; `askable` counts the peers that could be asked for something unasked now. Each place has a word (or
// a few) with a bit for each peer that it is usable at, so that the sums follow a piece without a look at every peer.

import { add, createPieceSet, has, lowestBit, type PieceSet, remove } from './piece-set.ts'

export interface PickerPeer {
  readonly name: string
  /** Its number among the connected peers. */
  readonly slot: number
  readonly have: PieceSet
  capacity: number
  piecesPerSecond: number | undefined
  /** Place -> the number of the request for it. */
  readonly inFlight: Map<number, number>
  /** Returned, and not worth asking for again yet. */
  shunned: PieceSet | undefined
  /** Shunned, or declined: then worth asking for when nothing else is. Undefined: none. */
  avoided: PieceSet | undefined
  avoidedCount: number
  /** It has choked us. */
  isBusy: boolean
  isAskable: boolean
  /** Given to no one yet, by its own word. */
  fresh: PieceSet | undefined
  /** The youngest request that it has fulfilled. */
  overtook: number
}

export interface PickerPeers {
  readonly pieceCount: number
  /** In the order in which they joined. */
  readonly byName: Map<string, PickerPeer>
  readonly bySlot: (PickerPeer | undefined)[]
  /** By slot. */
  useful: Int32Array
  usefulInAll: number
  askable: number
  /** Words a place, and the bits of the peers that each place is usable at. */
  words: number
  usableAt: Uint32Array
}

export const createPickerPeers = (pieceCount: number): PickerPeers => ({
  pieceCount,
  byName: new Map(),
  bySlot: [],
  useful: new Int32Array(32),
  usefulInAll: 0,
  askable: 0,
  words: 1,
  usableAt: new Uint32Array(pieceCount),
})

const makeSlots = (peers: PickerPeers) => {
  const words = 2 * peers.words
  const usableAt = new Uint32Array(peers.pieceCount * words)
  for (let place = 0; place < peers.pieceCount; place += 1)
    usableAt.set(peers.usableAt.subarray(place * peers.words, (place + 1) * peers.words), place * words)
  const useful = new Int32Array(words * 32)
  useful.set(peers.useful)
  Object.assign(peers, { words, usableAt, useful })
}

/** With nothing yet, and capacity 0. */
export function addPeer(peers: PickerPeers, name: string): PickerPeer {
  const free = peers.bySlot.indexOf(undefined)
  const slot = free < 0 ? peers.bySlot.length : free
  if (slot >= peers.useful.length) makeSlots(peers)
  const peer: PickerPeer = {
    name,
    slot,
    have: createPieceSet(peers.pieceCount),
    capacity: 0,
    piecesPerSecond: undefined,
    inFlight: new Map(),
    shunned: undefined,
    avoided: undefined,
    avoidedCount: 0,
    isBusy: false,
    isAskable: false,
    fresh: undefined,
    overtook: 0,
  }
  peers.byName.set(name, peer)
  peers.bySlot[slot] = peer
  return peer
}

/** Its flights have been taken off before. */
export function removePeer(peers: PickerPeers, peer: PickerPeer): void {
  peers.usefulInAll -= peers.useful[peer.slot]!
  peers.useful[peer.slot] = 0
  if (peer.isAskable) peers.askable -= 1
  for (let place = 0; place < peers.pieceCount; place += 1) setUsable(peers, peer, place, false)
  peers.bySlot[peer.slot] = undefined
  peers.byName.delete(peer.name)
}

/** Call it after every change to what it reads. */
export function noteAskable(peers: PickerPeers, peer: PickerPeer): void {
  const isAskable = peers.useful[peer.slot]! > 0 && !peer.isBusy && peer.inFlight.size < peer.capacity
  if (isAskable === peer.isAskable) return
  peer.isAskable = isAskable
  peers.askable += isAskable ? 1 : -1
}

export const isUsableAt = (peer: PickerPeer, place: number): boolean =>
  has(peer.have, place) && !(peer.shunned && has(peer.shunned, place))

const setUsable = (peers: PickerPeers, { slot }: PickerPeer, place: number, isUsable: boolean) => {
  const word = place * peers.words + (slot >> 5)
  if (isUsable) peers.usableAt[word]! |= 1 << (slot & 31)
  else peers.usableAt[word]! &= ~(1 << (slot & 31))
}

const countUseful = (peers: PickerPeers, peer: PickerPeer, by: 1 | -1) => {
  peers.useful[peer.slot]! += by
  peers.usefulInAll += by
  noteAskable(peers, peer)
}

/** It has the place, which it did not have before. */
export function gain(peers: PickerPeers, peer: PickerPeer, place: number, isUnasked: boolean): void {
  add(peer.have, place)
  setUsable(peers, peer, place, true)
  if (isUnasked) countUseful(peers, peer, 1)
}

/** The place has become unasked (1), or ceased to be (-1): for all who have it. */
export function countForAll(peers: PickerPeers, place: number, by: 1 | -1): void {
  // Only a peer that crosses between nothing of use and something becomes askable, or ceases to be.
  const edge = by === 1 ? 1 : 0
  for (let word = 0; word < peers.words; word += 1) {
    for (let bits = peers.usableAt[place * peers.words + word]!; bits !== 0; bits &= bits - 1) {
      const slot = word * 32 + lowestBit(bits)
      peers.useful[slot]! += by
      peers.usefulInAll += by
      if (peers.useful[slot] === edge) noteAskable(peers, peers.bySlot[slot]!)
    }
  }
}

export function avoid(peers: PickerPeers, peer: PickerPeer, place: number): void {
  peer.avoided ??= createPieceSet(peers.pieceCount)
  if (add(peer.avoided, place)) peer.avoidedCount += 1
}

/** Of a place that is not unasked. */
export function shun(peers: PickerPeers, peer: PickerPeer, place: number): void {
  avoid(peers, peer, place)
  peer.shunned ??= createPieceSet(peers.pieceCount)
  add(peer.shunned, place)
  setUsable(peers, peer, place, false)
}

export function forgive(peers: PickerPeers, peer: PickerPeer, place: number, isUnasked: boolean): void {
  if (peer.avoided && remove(peer.avoided, place)) peer.avoidedCount -= 1
  if (!peer.shunned || !remove(peer.shunned, place)) return
  setUsable(peers, peer, place, true)
  if (isUnasked) countUseful(peers, peer, 1)
}

/** Everything that the peer declined or returned. */
export function forgiveAll(peers: PickerPeers, peer: PickerPeer, isUnasked: (place: number) => boolean): void {
  for (let place = 0; peer.avoidedCount > 0; place += 1)
    if (has(peer.avoided!, place)) forgive(peers, peer, place, isUnasked(place))
}

/** Of the peers with room, the least loaded for its capacity; of equals, the one with least to choose from. */
export function nextToAsk(peers: PickerPeers): PickerPeer | undefined {
  if (peers.askable === 0) return undefined
  let next: PickerPeer | undefined
  let leastLoad = 1
  for (const peer of peers.byName.values()) {
    if (!peer.isAskable) continue
    const load = peer.inFlight.size / peer.capacity
    if (load > leastLoad) continue
    if (next && load === leastLoad && peers.useful[peer.slot]! >= peers.useful[next.slot]!) continue
    next = peer
    leastLoad = load
  }
  return next
}
