// A download as users see it: from its record in the library while it is inactive, from its run's snapshot while it runs.

import type { Bitfield } from '../../domain/bitfield.ts'
import { type Manifest, pieceSize } from '../../domain/manifest.ts'
import { showable } from '../../domain/names.ts'
import { count } from '../../domain/quantities.ts'
import type { DownloadSnapshot } from '../../machines/download.ts'
import type { Problem } from '../../machines/download-protocol.ts'
import type { DownloadSummary } from '../../storage/library-downloads.ts'
import type { DownloadState, DownloadView } from '../../wire/agent-api.ts'

export function isInactive(state: DownloadState): boolean {
  return state === 'completed' || state === 'paused' || state === 'failed' || state === 'cancelled'
}

function bytesOf(have: Bitfield, manifest: Pick<Manifest, 'size' | 'pieceLength'>): number {
  const last = have.length - 1
  const lackOfLast = last >= 0 && have.has(last) ? manifest.pieceLength - pieceSize(manifest, last) : 0
  return have.count * manifest.pieceLength - lackOfLast
}

export function viewOfRecord(record: DownloadSummary): DownloadView {
  const { id, group, name, state, destination, manifest, verified, seconds, fetchedBytes, deliveries, error } = record
  return {
    id,
    group,
    name,
    state,
    pieces: { done: verified.count, total: verified.length },
    bytes: { done: bytesOf(verified, manifest), total: manifest.size },
    path: destination,
    sha1: manifest.sha1,
    peers: 0,
    bytesPerSecond: 0,
    seconds,
    fetchedBytes,
    deliveries: [...deliveries],
    ...(error ? { error } : {}),
  }
}

/** `recorded` is its record's view; its pieces count until the store has checked the part file. */
export function viewOfRun(snapshot: DownloadSnapshot, recorded: DownloadView): DownloadView {
  const { spec, spent, ledger, now, startedAtMs } = snapshot.context
  const { manifest } = spec
  const { have } = ledger
  const state = stateOf(snapshot)
  const problem = problemOf(snapshot, state)
  return {
    id: spec.id,
    group: spec.group,
    name: spec.name,
    state,
    pieces: have ? { done: have.count, total: have.length } : recorded.pieces,
    bytes: have ? { done: bytesOf(have, manifest), total: manifest.size } : recorded.bytes,
    path: spec.path,
    sha1: manifest.sha1,
    peers: readySessions(snapshot),
    bytesPerSecond: Math.round(ledger.meter.bytesPerSecond(now())),
    seconds: spent.seconds + (now() - startedAtMs) / 1000,
    fetchedBytes: ledger.fetchedBytes,
    deliveries: [...ledger.deliveries.values()],
    ...(problem ? { error: problem } : {}),
  }
}

const readySessions = ({ context }: DownloadSnapshot): number =>
  [...context.ledger.sessions.values()].filter(({ state }) => state === 'ready').length

function stateOf(snapshot: DownloadSnapshot): DownloadState {
  const { ending } = snapshot.context
  if (ending !== undefined) return ending === 'suspended' ? 'queued' : ending
  if (snapshot.matches('preparing')) return snapshot.context.spent.fetchedBytes > 0 ? 'verifying' : 'locating'
  if (snapshot.matches({ fetching: 'locating' })) return 'locating'
  if (snapshot.matches({ fetching: 'transferring' })) return 'downloading'
  return snapshot.matches({ fetching: 'stalled' }) ? 'stalled' : 'verifying'
}

/** Why it failed, or what it waits for. */
function problemOf(snapshot: DownloadSnapshot, state: DownloadState): Problem | undefined {
  const { problem } = snapshot.context
  if (state === 'failed') return problem
  if (state !== 'stalled' && state !== 'locating') return undefined
  return problem ?? (state === 'stalled' ? stallOf(snapshot) : undefined)
}

/** Why nothing can be fetched although the trackers answered. */
function stallOf(snapshot: DownloadSnapshot): Problem {
  const { ledger, spec } = snapshot.context
  const sessions = [...ledger.sessions.values()]
  const dropped = ledger.dropped.size
  if (sessions.length === 0)
    return {
      code: 'no-sharers',
      message:
        dropped > 0
          ? `${count(dropped, 'peer')} sent wrong pieces, and no other peer that has ${showable(spec.name)} is online; the download continues when one is, or pause and resume it to try all peers again`
          : `no peer that has ${showable(spec.name)} is online; the download continues when one is`,
    }
  if (readySessions(snapshot) > 0)
    return {
      code: 'no-sharers',
      message: `no connected peer has the ${count(ledger.picker?.missing ?? 0, 'missing piece')}; the download waits for more peers${
        dropped > 0 ? ', or pause and resume it to try peers again that sent wrong pieces' : ''
      }`,
    }
  const { reason } = sessions[0]!
  return {
    code: 'unreachable',
    message: `cannot connect to any of ${count(sessions.length, 'peer')}: ${reason}; the download keeps trying`,
  }
}
