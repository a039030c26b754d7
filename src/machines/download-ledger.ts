// What a run of a download knows about its pieces and peers. Only the machine's own actions change it, in place, because
// pieces arrive too often to copy it. README.md beside it has the sets of pieces and the flows between them.

import { downloadTunables, peerTunables } from '../../config/swarm.ts'
import { backOffMs } from '../domain/back-off.ts'
import type { Bitfield } from '../domain/bitfield.ts'
import { deviceKey, parseDeviceKey } from '../domain/device-ref.ts'
import { createPiecePicker } from '../domain/piece-picker.ts'
import type { PiecePicker } from '../domain/piece-picker-protocol.ts'
import { createRateMeter, type RateMeter } from '../domain/rate-meter.ts'
import { createRequestWindow, type RequestWindow } from '../domain/request-window.ts'
import { createSaturationMeter, type SaturationMeter } from '../domain/saturation-meter.ts'
import type { Delivery } from '../wire/agent-api.ts'
import type { DownloadInput } from './download-protocol.ts'
import type { PeerKey } from './swarm-protocol.ts'

/** A download session with one peer. */
interface SessionEntry {
  /** It was opened, or delivered a right piece, since the look-up before the last. */
  isOfUse: boolean
  state: 'connecting' | 'ready' | 'lost'
  /** Why it was last lost. */
  reason: string
  /** What the peer says it has. The session's own live set, while it is ready. */
  have: Bitfield | undefined
  /** The peer's upload limit in bytes a second, as it says. Only shown; nothing depends on it. */
  limit: number | undefined
}

export interface Ledger {
  picker: PiecePicker | undefined
  have: Bitfield | undefined
  /** How much is requested ahead. */
  window: RequestWindow | undefined
  readonly sessions: Map<PeerKey, SessionEntry>
  /** Peers that fetch this share from us. */
  readonly fetchers: Set<PeerKey>
  /** Peers that sent a wrong piece. This run does not connect to them again. */
  readonly dropped: Set<PeerKey>
  /** Sessions in a row that ended without a retry and without a verified piece, and when to try the peer again (ms of `now`). */
  readonly retries: Map<PeerKey, { readonly failures: number; readonly retryAtMs: number }>
  /** Pieces received and now at the store. */
  checking: number
  /** How much of the time the store had all it may have: then it is the bottleneck. The meters count milliseconds. */
  readonly storeFull: SaturationMeter
  readonly checkingTime: RateMeter
  readonly writingTime: RateMeter
  fetchedBytes: number
  /** By peer and `via`. */
  readonly deliveries: Map<string, Delivery>
  readonly vias: Map<PeerKey, Delivery['via']>
  /** Which peer each piece of this run came from, and each peer's rate. For watchers. */
  readonly sources: Map<number, PeerKey>
  readonly meters: Map<PeerKey, RateMeter>
  /** Devices that offer the whole file, and how many of them are online, as the trackers last said. */
  sharers: { readonly all: number; readonly online: number } | undefined
  readonly meter: RateMeter
  isLocated: boolean
}

export const createLedger = ({ spent }: DownloadInput): Ledger => ({
  picker: undefined,
  have: undefined,
  window: undefined,
  sessions: new Map(),
  fetchers: new Set(),
  dropped: new Set(),
  retries: new Map(),
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

/** Starts over from the verified pieces: at the start of a run, and after the whole file turned out wrong. */
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

/** Pieces that may be requested or unwritten at once. */
const budgetPieces = ({ spec, running }: DownloadInput) =>
  Math.max(
    downloadTunables.leastUnwrittenPieces,
    Math.floor(downloadTunables.maxUnwrittenBytes / running() / spec.manifest.pieceLength),
  )

/** One piece more or less is at the store. */
export function countAtStore(ledger: Ledger, input: DownloadInput, change: 1 | -1, nowMs: number): void {
  ledger.checking += change
  ledger.storeFull.note(ledger.checking >= budgetPieces(input) * downloadTunables.storeFullShare, nowMs)
}

/**
 * How many more pieces may be requested, with `windows` times the window requested ahead. Slow requests do not count
 * against the window; otherwise peers that are slow on purpose would use it up.
 */
export function roomForPieces(ledger: Ledger, input: DownloadInput, windows: number, nowMs: number): number {
  const { picker, window, checking } = ledger
  if (!picker || !window) return 0
  const unwritten = budgetPieces(input) - picker.inFlight - checking
  return Math.min(unwritten, windows * window.pieces - picker.inFlightSince(nowMs - downloadTunables.slowPieceMs))
}

/** A right piece of that many bytes came from that peer. */
export function creditDelivery(ledger: Ledger, peer: PeerKey, piece: number, bytes: number, nowMs: number): void {
  ledger.sources.set(piece, peer)
  const meter = ledger.meters.get(peer) ?? createRateMeter()
  ledger.meters.set(peer, meter)
  meter.add(bytes, nowMs)
  ledger.retries.delete(peer)
  const entry = ledger.sessions.get(peer)
  if (entry) entry.isOfUse = true
  ledger.meter.add(bytes, nowMs)
  const via = ledger.vias.get(peer) ?? 'direct'
  const before = ledger.deliveries.get(`${peer} ${via}`)
  ledger.deliveries.set(`${peer} ${via}`, {
    ...parseDeviceKey(peer),
    pieces: (before?.pieces ?? 0) + 1,
    bytes: (before?.bytes ?? 0) + bytes,
    via,
  })
}

const retry = { firstMs: 2 * peerTunables.retryFirstMs, mostMs: peerTunables.retryEndedMostMs }

/**
 * A session ended for good. Its peer is tried again at once the first time, because a fresh ticket may be all it takes, and
 * then less and less often, until a right piece comes from it.
 */
export function endSession(ledger: Ledger, peer: PeerKey, nowMs: number): void {
  const failures = (ledger.retries.get(peer)?.failures ?? 0) + 1
  ledger.retries.set(peer, { failures, retryAtMs: nowMs + backOffMs(retry, failures - 1) })
  ledger.sessions.delete(peer)
}
