// A download as people see it: at rest from its record in the library, under way from its run's snapshot.

import type { Bitfield } from '../../domain/bitfield.ts'
import { type Manifest, pieceSize } from '../../domain/manifest.ts'
import type { DownloadSnapshot } from '../../machines/download.ts'
import type { Problem } from '../../machines/download-protocol.ts'
import type { DownloadRecord } from '../../storage/library-downloads.ts'
import type { DownloadState, DownloadView } from '../../wire/agent-api.ts'

export function isInactive(state: DownloadState): boolean {
  return state === 'completed' || state === 'paused' || state === 'failed' || state === 'cancelled'
}

function bytesOf(have: Bitfield, manifest: Manifest): number {
  const last = have.length - 1
  const lackOfLast = last >= 0 && have.has(last) ? manifest.pieceLength - pieceSize(manifest, last) : 0
  return have.count * manifest.pieceLength - lackOfLast
}

export function viewOfRecord(record: DownloadRecord): DownloadView {
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

/** `recorded` is the library's view of it, which counts until the store has looked at the part file. */
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
    peers: readyLinks(snapshot),
    bytesPerSecond: Math.round(ledger.meter.bytesPerSecond(now())),
    seconds: spent.seconds + (now() - startedAtMs) / 1000,
    fetchedBytes: ledger.fetchedBytes,
    deliveries: [...ledger.deliveries.values()],
    ...(problem ? { error: problem } : {}),
  }
}

const readyLinks = ({ context }: DownloadSnapshot): number =>
  [...context.ledger.links.values()].filter(link => link.state === 'ready').length

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
  const { problem, ledger, spec } = snapshot.context
  if (state === 'failed') return problem
  if (state !== 'stalled' && state !== 'locating') return undefined
  if (problem) return problem
  if (state === 'locating') return undefined
  const missing = ledger.picker?.missing ?? 0
  const links = [...ledger.links.values()]
  const noSharers = (message: string): Problem => ({ code: 'no-sharers', message })
  const isSomeDropped = ledger.dropped.size > 0
  if (links.length === 0)
    return noSharers(
      isSomeDropped
        ? `nobody who has ${spec.name} and sent no wrong pieces is online; this goes on when somebody is, or pause and resume it to try the others again`
        : `nobody who has ${spec.name} is online; this goes on when somebody is`,
    )
  if (readyLinks(snapshot) > 0)
    return noSharers(
      `nobody who is connected has the ${missing} missing pieces; waiting for more${
        isSomeDropped ? ', or pause and resume it to try those again that sent wrong ones' : ''
      }`,
    )
  return { code: 'unreachable', message: `no peer can be reached (${links.length} tried): ${links[0]!.reason}` }
}
