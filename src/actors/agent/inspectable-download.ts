// A running download as watchers see it: every piece with where it came from, every peer with what it brings, and what
// holds it up. Made while somebody watches, at a bounded rate, and once when the run ends; it reads the run's ledger and
// changes nothing.

import { type Bottleneck, bottlenecksOf, bottlenecksWhenInactive } from '../../domain/bottlenecks.ts'
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

/** Those that brought something come first and keep their place, so that a byte of the map keeps its meaning. */
const peersOf = ({ deliveries, links, sources }: Ledger): string[] =>
  [
    ...new Set([
      ...sources.values(),
      ...[...deliveries.values()].map(({ user, device }) => `${user}/${device}`),
      ...links.keys(),
    ]),
  ].slice(0, inspectionBounds.peersPerDownload)

function shownPeer(key: string, { links, picker, deliveries, meters, vias }: Ledger, now: number): DownloadPeer {
  const slash = key.indexOf('/')
  const link = links.get(key)
  const inFlight = picker?.inFlightAt(key) ?? []
  const delivered = [...deliveries.values()].filter(({ user, device }) => `${user}/${device}` === key)
  const isBusy = link?.state === 'ready' && inFlight.length === 0 && picker?.isBusyAt(key) === true
  return {
    user: key.slice(0, slash),
    device: key.slice(slash + 1),
    state: link === undefined ? 'gone' : isBusy ? 'waiting' : link.state,
    via: link?.state === 'ready' ? (vias.get(key) ?? null) : null,
    bytesPerSecond: link ? Math.round(meters.get(key)?.bytesPerSecond(now) ?? 0) : 0,
    pieces: delivered.reduce((sum, { pieces }) => sum + pieces, 0),
    bytes: delivered.reduce((sum, { bytes }) => sum + bytes, 0),
    inFlight: inFlight.slice(0, 64),
    has: link?.state === 'ready' ? (link.have?.count ?? null) : null,
    limit: link?.state === 'ready' ? (link.limit ?? null) : null,
    why: isBusy ? 'it serves others first' : link?.reason ? errorText(link.reason).slice(0, 200) : null,
  }
}

function mapOf({ have, picker, sources }: Ledger, total: number, peers: readonly string[]) {
  const pieces = Buffer.alloc(total)
  const availability = Buffer.alloc(total)
  const indexOf = new Map(peers.map((peer, index) => [peer, index]))
  let heldByNobody = 0
  for (let piece = 0; piece < total; piece += 1) {
    const holders = picker?.availability(piece) ?? 0
    availability[piece] = Math.min(255, holders)
    if (have?.has(piece)) {
      const index = indexOf.get(sources.get(piece) ?? '')
      pieces[piece] = index === undefined ? pieceStates.verified : pieceStates.firstPeer + index
    } else if (picker?.isChecking(piece)) pieces[piece] = pieceStates.checking
    else if (holders === 0) heldByNobody += 1
  }
  // In the endgame a piece may be on its way once more when it is here already.
  for (const piece of peers.flatMap(peer => picker?.inFlightAt(peer) ?? []))
    if (!have?.has(piece)) pieces[piece] = pieceStates.inFlight
  return { pieceMap: pieces.toString('base64'), availability: availability.toString('base64'), heldByNobody }
}

export function showDownload({ view, context, actor, limits, connections }: ShownNeeds): InspectableDownload {
  const { spec, ledger, now, problem } = context
  const total = Math.min(view.pieces.total, inspectionBounds.pieces)
  const peers = peersOf(ledger)
  const { pieceMap, availability, heldByNobody } = mapOf(ledger, total, peers)
  const shown = peers.map(peer => shownPeer(peer, ledger, now()))
  const ready = shown.filter(({ state }) => state === 'ready' || state === 'waiting')
  const waits = bottlenecksOf({
    state: view.state,
    bytesPerSecond: view.bytesPerSecond,
    missing: view.pieces.total - view.pieces.done,
    heldByNobody,
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

/** One whose run has ended: as it was then, but for what may have been done with it since. */
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
