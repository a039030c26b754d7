// What a run of a download knows of its pieces and peers. Changed in place, by the machine's own actions alone: pieces
// come too often to copy it. Sets and flows of pieces: README.md beside it.

import { downloadTunables, peerTunables } from '../../config/swarm.ts'
import type { Bitfield } from '../domain/bitfield.ts'
import { deviceKey } from '../domain/device-ref.ts'
import { createPiecePicker } from '../domain/piece-picker.ts'
import type { PiecePicker } from '../domain/piece-picker-protocol.ts'
import { createRateMeter, type RateMeter } from '../domain/rate-meter.ts'
import { createRequestWindow, type RequestWindow } from '../domain/request-window.ts'
import { createSaturationMeter, type SaturationMeter } from '../domain/saturation-meter.ts'
import type { Delivery } from '../wire/agent-api.ts'
import type { DownloadInput } from './download-protocol.ts'
import type { PeerKey } from './swarm-protocol.ts'

interface LinkEntry {
  /** Since the look-up before the last: connected, or has brought a right piece. */
  isOfUse: boolean
  state: 'connecting' | 'ready' | 'lost'
  /** Why it was lost last. */
  reason: string
  /** What it has, by its own word: live, while it is ready. */
  have: Bitfield | undefined
  /** Its own cap on uploads, as it says: shown, and nothing is decided by it. */
  limit: number | undefined
}

export interface Ledger {
  picker: PiecePicker | undefined
  have: Bitfield | undefined
  /** How much is asked for ahead. */
  window: RequestWindow | undefined
  readonly links: Map<PeerKey, LinkEntry>
  /** They fetch the same from us. */
  readonly met: Set<PeerKey>
  /** Sent a piece that was wrong: not connected to again in this run. */
  readonly dropped: Set<PeerKey>
  /** Links that ended for good, in a row without a right piece, and when the peer may be tried anew (ms of `now`). */
  readonly ended: Map<PeerKey, { readonly times: number; readonly againAtMs: number }>
  /** Received and at the store. */
  checking: number
  /** Whether as much waits there as may: then that is what holds up the rest. Milliseconds go into the meters. */
  readonly storeFull: SaturationMeter
  readonly checkingTime: RateMeter
  readonly writingTime: RateMeter
  fetchedBytes: number
  /** By peer and way. */
  readonly deliveries: Map<string, Delivery>
  readonly vias: Map<PeerKey, Delivery['via']>
  /** Whom each piece of this run came from, and what each peer brings: for those who watch. */
  readonly sources: Map<number, PeerKey>
  readonly meters: Map<PeerKey, RateMeter>
  /** Devices that offer the whole file, and those of them that are online, as the trackers said last. */
  sharers: { readonly all: number; readonly online: number } | undefined
  readonly meter: RateMeter
  isLocated: boolean
}

export const createLedger = ({ spent }: DownloadInput): Ledger => ({
  picker: undefined,
  have: undefined,
  window: undefined,
  links: new Map(),
  met: new Set(),
  dropped: new Set(),
  ended: new Map(),
  checking: 0,
  storeFull: createSaturationMeter(),
  checkingTime: createRateMeter(),
  writingTime: createRateMeter(),
  fetchedBytes: spent.fetchedBytes,
  deliveries: new Map(spent.deliveries.map(each => [`${deviceKey(each)} ${each.via}`, each])),
  vias: new Map(),
  sources: new Map(),
  meters: new Map(),
  sharers: undefined,
  meter: createRateMeter(),
  isLocated: false,
})

/** Begins with what the part file holds, and again when the whole turned out wrong. */
export function openLedger(ledger: Ledger, input: DownloadInput, have: Bitfield): void {
  ledger.isLocated = false
  ledger.checking = 0
  ledger.have = have
  ledger.picker = createPiecePicker({ verified: have })
  ledger.window = createRequestWindow({
    pieceLength: input.spec.manifest.pieceLength,
    aheadMs: downloadTunables.aheadMs,
    leastPieces: downloadTunables.leastPiecesInFlight,
    mostPieces: budgetPieces(input),
  })
}

/** Pieces that may be asked for or unwritten at once; four at least, or large pieces would come from one peer. */
const budgetPieces = ({ spec, running }: DownloadInput) =>
  Math.max(4, Math.floor(downloadTunables.maxUnwrittenBytes / running() / spec.manifest.pieceLength))

/** So full, the pieces at the store are what holds up the rest. */
const nearlyFull = 0.75

/** One more or one less is at the store. */
export function noteAtStore(ledger: Ledger, input: DownloadInput, change: 1 | -1, nowMs: number): void {
  ledger.checking += change
  ledger.storeFull.note(ledger.checking >= budgetPieces(input) * nearlyFull, nowMs)
}

/**
 * How many pieces more may be asked for, with `windows` times the window asked for ahead. Requests that have taken long
 * do not use up the window, or peers that are slow on purpose would.
 */
export function roomForPieces(ledger: Ledger, input: DownloadInput, windows: number, nowMs: number): number {
  const { picker, window, checking } = ledger
  if (!picker || !window) return 0
  const unwritten = budgetPieces(input) - picker.inFlight - checking
  return Math.min(unwritten, windows * window.pieces - picker.inFlightSince(nowMs - downloadTunables.slowPieceMs))
}

/** A right piece of so many bytes came from there. */
export function creditDelivery(ledger: Ledger, peer: PeerKey, piece: number, bytes: number, nowMs: number): void {
  ledger.sources.set(piece, peer)
  const meter = ledger.meters.get(peer) ?? createRateMeter()
  ledger.meters.set(peer, meter)
  meter.add(bytes, nowMs)
  ledger.ended.delete(peer)
  const entry = ledger.links.get(peer)
  if (entry) entry.isOfUse = true
  ledger.meter.add(bytes, nowMs)
  const slash = peer.indexOf('/')
  const via = ledger.vias.get(peer) ?? 'direct'
  const before = ledger.deliveries.get(`${peer} ${via}`)
  ledger.deliveries.set(`${peer} ${via}`, {
    user: peer.slice(0, slash),
    device: peer.slice(slash + 1),
    pieces: (before?.pieces ?? 0) + 1,
    bytes: (before?.bytes ?? 0) + bytes,
    via,
  })
}

/** The first time at once, for a fresh ticket may be all that it takes. */
const restMs = (times: number) =>
  times <= 1 ? 0 : Math.min(peerTunables.retryFirstMs * 2 ** (times - 1), peerTunables.retryEndedMostMs)

/** It ended for good: the peer is tried ever less often, until a right piece comes from it. */
export function noteEnded(ledger: Ledger, peer: PeerKey, nowMs: number): void {
  const times = (ledger.ended.get(peer)?.times ?? 0) + 1
  ledger.ended.set(peer, { times, againAtMs: nowMs + restMs(times) })
  ledger.links.delete(peer)
}
