// A running download as watchers see it: every piece and the peer it came from, every peer and what it delivers, and what
// limits the download. Made at a bounded rate while there are watchers, and once when the run ends. It only reads the ledger.

import { type Bottleneck, bottlenecksOf, bottlenecksWhenInactive } from '../../domain/bottlenecks.ts'
import { deviceKey, parseDeviceKey } from '../../domain/device-ref.ts'
import type { DownloadSnapshot } from '../../machines/download.ts'
import type { DownloadView, Limits } from '../../wire/agent-api.ts'
import { type DownloadPeer, type InspectedDownload, pieceStates, type Wait } from '../../wire/inspected-download.ts'
import { inspectionBounds } from '../../wire/inspection-bounds.ts'
import { errorText } from '../inspection/describe-actor.ts'

export type InspectableDownload = Omit<InspectedDownload, 'run' | 'n' | 'at'>

type Ledger = DownloadSnapshot['context']['ledger']

export interface ShownNeeds {
  readonly view: DownloadView
  readonly context: DownloadSnapshot['context']
  /** Null once the run has ended. */
  readonly actor: string | null
  readonly limits: Limits
  /** Over all downloads of this device. */
  readonly connections: number
}

/** Peers that delivered something come first and keep their index, so a byte of the piece map keeps its meaning. */
const peersOf = ({ deliveries, sessions, sources }: Ledger): string[] =>
  [...new Set([...sources.values(), ...[...deliveries.values()].map(deviceKey), ...sessions.keys()])].slice(
    0,
    inspectionBounds.peersPerDownload,
  )

function shownPeer(key: string, { sessions, picker, deliveries, meters, vias }: Ledger, now: number): DownloadPeer {
  const session = sessions.get(key)
  const inFlight = picker?.inFlightAt(key) ?? []
  const delivered = [...deliveries.values()].filter(each => deviceKey(each) === key)
  const isBusy = session?.state === 'ready' && inFlight.length === 0 && picker?.isBusyAt(key) === true
  return {
    ...parseDeviceKey(key),
    state: session === undefined ? 'gone' : isBusy ? 'waiting' : session.state,
    via: session?.state === 'ready' ? (vias.get(key) ?? null) : null,
    bytesPerSecond: session ? Math.round(meters.get(key)?.bytesPerSecond(now) ?? 0) : 0,
    pieces: delivered.reduce((sum, { pieces }) => sum + pieces, 0),
    bytes: delivered.reduce((sum, { bytes }) => sum + bytes, 0),
    inFlight: inFlight.slice(0, 64),
    has: session?.state === 'ready' ? (session.have?.count ?? null) : null,
    limit: session?.state === 'ready' ? (session.limit ?? null) : null,
    why: isBusy ? 'it is serving other peers first' : session?.reason ? errorText(session.reason).slice(0, 200) : null,
  }
}

function mapOf({ have, picker, sources }: Ledger, total: number, peers: readonly string[]) {
  const pieces = Buffer.alloc(total)
  const availability = Buffer.alloc(total)
  const indexOf = new Map(peers.map((peer, index) => [peer, index]))
  let unavailable = 0
  for (let piece = 0; piece < total; piece += 1) {
    const holders = picker?.availability(piece) ?? 0
    availability[piece] = Math.min(255, holders)
    if (have?.has(piece)) {
      const index = indexOf.get(sources.get(piece) ?? '')
      pieces[piece] = index === undefined ? pieceStates.verified : pieceStates.firstPeer + index
    } else if (picker?.isChecking(piece)) pieces[piece] = pieceStates.checking
    else if (holders === 0) unavailable += 1
  }
  // In the endgame a piece may still be in flight after it has arrived from another peer.
  for (const piece of peers.flatMap(peer => picker?.inFlightAt(peer) ?? []))
    if (!have?.has(piece)) pieces[piece] = pieceStates.inFlight
  return { pieceMap: pieces.toString('base64'), availability: availability.toString('base64'), unavailable }
}

export function showDownload({ view, context, actor, limits, connections }: ShownNeeds): InspectableDownload {
  const { spec, ledger, now, problem } = context
  const total = Math.min(view.pieces.total, inspectionBounds.pieces)
  const peers = peersOf(ledger)
  const { pieceMap, availability, unavailable } = mapOf(ledger, total, peers)
  const shown = peers.map(peer => shownPeer(peer, ledger, now()))
  const ready = shown.filter(({ state }) => state === 'ready' || state === 'waiting')
  const waits = bottlenecksOf({
    state: view.state,
    bytesPerSecond: view.bytesPerSecond,
    missing: view.pieces.total - view.pieces.done,
    unavailable,
    checking: ledger.checking,
    store: {
      fullShare: ledger.storeFull.share(now()),
      isWritingSlower: ledger.writingTime.bytesPerSecond(now()) > ledger.checkingTime.bytesPerSecond(now()),
    },
    peers: {
      ready: ready.length,
      connecting: shown.filter(({ state }) => state === 'connecting').length,
      busy: shown.filter(({ state }) => state === 'waiting').length,
      relayed: ready.filter(({ via }) => via === 'relay').length,
    },
    limited: shown.flatMap(({ user, limit, bytesPerSecond, inFlight, state }) =>
      limit !== null && (inFlight.length > 0 || state === 'waiting') ? [{ user, limit, bytesPerSecond }] : [],
    ),
    dropped: ledger.dropped.size,
    sharers: ledger.sharers,
    areTrackersAway: problem?.code === 'unreachable',
    limits,
    connections,
    problem: view.error?.message,
  })
  return {
    kind: 'download',
    download: view.id,
    actor,
    group: view.group,
    name: view.name,
    state: view.state,
    bytes: { ...view.bytes, fetched: view.fetchedBytes },
    pieces: { done: Math.min(view.pieces.done, total), total },
    pieceLength: spec.manifest.pieceLength,
    bytesPerSecond: view.bytesPerSecond,
    secondsLeft: view.bytesPerSecond > 0 ? Math.ceil((view.bytes.total - view.bytes.done) / view.bytesPerSecond) : null,
    limits,
    pieceMap,
    availability,
    peers: shown,
    sharers: ledger.sharers ?? null,
    waits: shownWaits(waits),
  }
}

export const noLimits: Limits = { up: null, down: null, connections: null }

/** A download whose run has ended: its last state, apart from what was done with it since. */
export const showEnded = (
  last: InspectableDownload,
  { state, error }: DownloadView,
  limits: Limits,
): InspectableDownload => ({
  ...last,
  state,
  limits,
  waits: shownWaits(bottlenecksWhenInactive(state, error?.message) ?? []),
})

const shownWaits = (waits: readonly Bottleneck[]) =>
  waits.slice(0, inspectionBounds.waits).map(wait => ({ ...wait, sentence: errorText(wait.sentence) })) as Wait[]
