// What the page knows at one moment: every known process, its actors, its downloads, and the cluster. Only the lines of a
// recording change a model, live or from a file, so the same lines make the same model. It holds no history but the speeds
// of the last minutes; recording.ts holds the steps.

import { pageTunables } from '../../../../config/visualizer.ts'
import type { InspectedActor, TakenTransition } from '../../../wire/inspected-actor.ts'
import type { InspectedDownload } from '../../../wire/inspected-download.ts'
import type { Inspection } from '../../../wire/inspection.ts'
import type { ClusterView } from '../../../wire/visualizer-api.ts'

export interface ActorView extends InspectedActor {
  /** Of the whole page: the same id in another process is another actor. */
  readonly key: string
  readonly process: ProcessView
  /** What brought it here, as its last step said; none before the first. */
  event: string | undefined
  from: string | null
  transitions: readonly TakenTransition[]
}

/** Rates at one moment, for the chart; `rates[i]` belongs to `peers[i]` of the download. */
interface SpeedSample {
  readonly at: number
  readonly rates: readonly number[]
}

/** A new object with each report, so that a component that draws it sees the change. */
export interface DownloadView {
  readonly key: string
  readonly process: ProcessView
  readonly report: InspectedDownload
  readonly pieceMap: Uint8Array
  readonly availability: Uint8Array
  readonly speeds: SpeedSample[]
}

export interface ProcessView {
  /** "alice/0123456789ab"; of a tracker "$tracker/t1". */
  readonly key: string
  readonly user: string
  readonly device: string
  readonly isTracker: boolean
  run: string
  /** The last message's. */
  n: number
  /** Of the last message, by that device's clock. */
  at: number
  /** The number of the last whole snapshot: older steps are ignored. */
  snapshotN: number
  /** Parts of a snapshot that is not complete yet. */
  parts:
    | { readonly n: number; readonly watcher: string | null; readonly got: Map<number, readonly InspectedActor[]> }
    | undefined
  definitions: Readonly<Record<string, string>>
  readonly actors: Map<string, ActorView>
  readonly downloads: Map<number, DownloadView>
}

export interface Model {
  readonly processes: Map<string, ProcessView>
  cluster: ClusterView | undefined
}

export const emptyModel = (): Model => ({ processes: new Map(), cluster: undefined })

/** What a message did, for those that keep a history. */
export type Applied =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'step'; readonly actor: ActorView }
  | { readonly kind: 'messages'; readonly process: ProcessView }

const nothing: Applied = { kind: 'nothing' }

export function applyInspection(model: Model, subject: string, message: Inspection): Applied {
  const [, , user, device] = subject.split('.')
  if (user === undefined || device === undefined) return nothing
  const process = processOf(model, user, device, message.run)
  process.n = Math.max(process.n, message.n)
  process.at = Math.max(process.at, message.at)
  switch (message.kind) {
    case 'step': {
      if (message.n < process.snapshotN) return nothing
      const actor = keepActor(process, message.actor)
      actor.event = message.event
      actor.from = message.from
      actor.transitions = message.transitions
      return { kind: 'step', actor }
    }
    case 'picture':
      applySnapshot(process, message)
      return nothing
    case 'download':
      keepDownload(process, message)
      return nothing
    // The page shows what a device serves by its upload sessions.
    case 'serving':
      return nothing
    case 'messages':
      return { kind: 'messages', process }
  }
}

function processOf(model: Model, user: string, device: string, run: string): ProcessView {
  const key = `${user}/${device}`
  const known = model.processes.get(key)
  if (known?.run === run) return known
  // It has started again: nothing of its earlier run is kept.
  const process: ProcessView = {
    key,
    user,
    device,
    isTracker: user === '$tracker',
    run,
    n: -1,
    at: 0,
    snapshotN: -1,
    parts: undefined,
    definitions: {},
    actors: new Map(),
    downloads: new Map(),
  }
  model.processes.set(key, process)
  return process
}

function keepActor(process: ProcessView, actor: InspectedActor): ActorView {
  const known = process.actors.get(actor.id)
  if (known) return Object.assign(known, actor)
  const fresh: ActorView = {
    ...actor,
    key: `${process.key}#${process.run}#${actor.id}`,
    process,
    event: undefined,
    from: null,
    transitions: [],
  }
  process.actors.set(actor.id, fresh)
  return fresh
}

function applySnapshot(process: ProcessView, snapshot: Extract<Inspection, { kind: 'picture' }>): void {
  const { part, parts, actors, n, watcher, definitions } = snapshot
  if (part === 0 || process.parts === undefined || process.parts.watcher !== watcher)
    process.parts = { n, watcher, got: new Map() }
  process.parts.got.set(part, actors)
  if (process.parts.got.size < parts) return
  const present = [...process.parts.got.values()].flat()
  process.snapshotN = process.parts.n
  process.parts = undefined
  process.definitions = definitions
  const ids = new Set(present.map(({ id }) => id))
  for (const id of process.actors.keys()) if (!ids.has(id)) process.actors.delete(id)
  for (const actor of present) keepActor(process, actor)
}

function keepDownload(process: ProcessView, report: InspectedDownload): void {
  const pieceMap = fromBase64(report.pieceMap)
  const availability = fromBase64(report.availability)
  const known = process.downloads.get(report.download)
  const speeds = known?.speeds ?? []
  speeds.push({ at: report.at, rates: report.peers.map(peer => peer.bytesPerSecond) })
  if (speeds.length > pageTunables.speedSamples) speeds.splice(0, speeds.length - pageTunables.speedSamples)
  const key = `${process.key}#${report.download}`
  const download: DownloadView = { key, process, report, pieceMap, availability, speeds }
  process.downloads.set(report.download, download)
}

function fromBase64(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text), letter => letter.charCodeAt(0))
  } catch {
    // Of the right letters, but not of a right length.
    return new Uint8Array()
  }
}
