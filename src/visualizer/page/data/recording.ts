// Everything the page has received, in order, so that it can show any earlier moment and save it all to a file. `present`
// is the model at the end; an earlier one is made from the oldest that is kept. Always bounded: lines that are too old are
// folded into that oldest model, and cannot be gone back to.

import { pageTunables } from '../../../../config/visualizer.ts'
import type { InspectedActor, TakenTransition } from '../../../wire/inspected-actor.ts'
import type { Inspection } from '../../../wire/inspection.ts'
import { inspectionBounds } from '../../../wire/inspection-bounds.ts'
import type { RecordingHead, VisualizerEvent } from '../../../wire/visualizer-api.ts'
import { type ActorView, applyInspection, emptyModel, type Model, type ProcessView } from './model.ts'

export type RecordedLine =
  | { readonly at: number; readonly type: 'message'; readonly subject: string; readonly message: Inspection }
  | { readonly at: number; readonly type: 'event'; readonly event: VisualizerEvent }

/** One step of one actor, as its history shows it. */
export interface RecordedStep {
  /** Its line's position in the recording. */
  readonly position: number
  readonly at: number
  readonly actor: InspectedActor
  readonly event: string
  readonly from: string | null
  readonly transitions: readonly TakenTransition[]
  readonly merged: number
}

export interface RecordedMessage {
  readonly position: number
  readonly at: number
  readonly process: string
  readonly from: string | null
  readonly to: string
  readonly event: string
  readonly count: number
}

function advance(model: Model, line: RecordedLine) {
  if (line.type === 'message') return applyInspection(model, line.subject, line.message)
  if (line.event.type === 'cluster') model.cluster = line.event.cluster
  return undefined
}

export class Recording {
  readonly present: Model = emptyModel()
  readonly #mostBytes: number
  /** The model before the first line. */
  readonly #base: Model = emptyModel()
  /** The earlier model shown last, right after the line at `position`. */
  #past: { readonly model: Model; position: number } | undefined
  #lines: RecordedLine[] = []
  #first = 0
  #bytes = 0
  readonly #steps = new Map<string, RecordedStep[]>()
  readonly #messages: RecordedMessage[] = []

  /** `mostBytes`: about what it may take in memory. */
  constructor(mostBytes: number = pageTunables.recordingBytes) {
    this.#mostBytes = mostBytes
  }

  get lines(): readonly RecordedLine[] {
    return this.#lines
  }

  /** The position of `lines[0]`. */
  get first(): number {
    return this.#first
  }

  get last(): number {
    return this.#first + this.#lines.length - 1
  }

  /** By an actor's key. */
  get steps(): ReadonlyMap<string, readonly RecordedStep[]> {
    return this.#steps
  }

  get messages(): readonly RecordedMessage[] {
    return this.#messages
  }

  add(line: RecordedLine): void {
    const position = this.last + 1
    const applied = advance(this.present, line)
    if (line.type === 'message' && applied?.kind === 'step' && line.message.kind === 'step')
      this.#addStep(position, applied.actor, line.message)
    if (line.type === 'message' && applied?.kind === 'messages' && line.message.kind === 'messages')
      this.#addMessages(position, applied.process, line.message)
    this.#lines.push(line)
    this.#bytes += bytesOf(line)
    if (this.#bytes > this.#mostBytes) this.#trim()
  }

  /** The model right after the line at that position. */
  at(position: number): Model {
    if (this.#past === undefined || this.#past.position > position || this.#past.position < this.#first - 1)
      this.#past = { model: structuredClone(this.#base), position: this.#first - 1 }
    const past = this.#past
    for (; past.position < Math.min(position, this.last); past.position += 1)
      advance(past.model, this.#lines[past.position + 1 - this.#first]!)
    return past.model
  }

  timeAt(position: number): number {
    return this.#lines[position - this.#first]?.at ?? 0
  }

  /** The position of the last line by then. */
  positionAt(ms: number): number {
    let low = 0
    let high = this.#lines.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#lines[middle]!.at <= ms) low = middle + 1
      else high = middle
    }
    return this.#first + Math.max(0, low - 1)
  }

  /** JSON lines, as `readRecording` reads them. */
  save(version: string, you: RecordingHead['you']): string {
    const startedAt = this.#lines[0]?.at ?? Date.now()
    const head: RecordingHead = { shoalRecording: 1, startedAt, version, you }
    let ms = 0
    const saved = [...linesOf(this.#base, startedAt), ...this.#lines].map(({ at, ...line }) => {
      ms = Math.max(ms, at - startedAt)
      return JSON.stringify({ ms, ...line })
    })
    return `${[JSON.stringify(head), ...saved].join('\n')}\n`
  }

  #addStep(position: number, { key }: ActorView, step: Extract<Inspection, { kind: 'step' }>): void {
    const { actor, event, from, transitions, merged, at } = step
    const steps = this.#steps.get(key) ?? []
    steps.push({ position, at, actor, event, from, transitions, merged })
    if (steps.length > pageTunables.stepsPerActor) steps.shift()
    this.#steps.set(key, steps)
  }

  #addMessages(position: number, process: ProcessView, batch: Extract<Inspection, { kind: 'messages' }>): void {
    for (const message of batch.messages) this.#messages.push({ position, process: process.key, ...message })
    const surplus = this.#messages.length - pageTunables.messages
    if (surplus > 0) this.#messages.splice(0, surplus)
  }

  /** Down to four fifths, so that it happens seldom. */
  #trim(): void {
    let end = 0
    for (; this.#bytes > this.#mostBytes * 0.8 && end < this.#lines.length; end += 1) {
      const line = this.#lines[end]!
      advance(this.#base, line)
      this.#bytes -= bytesOf(line)
    }
    this.#lines = this.#lines.slice(end)
    this.#first += end
    for (const [key, steps] of this.#steps) {
      const kept = steps.filter(step => step.position >= this.#first)
      if (kept.length === 0) this.#steps.delete(key)
      else if (kept.length < steps.length) this.#steps.set(key, kept)
    }
  }
}

/** A rough figure for memory: a fixed part, and one for each thing that the line lists. */
function bytesOf(line: RecordedLine): number {
  if (line.type === 'event') {
    const { devices, groups } = line.event.type === 'cluster' ? line.event.cluster : {}
    return 2_000 + 200 * ((devices?.length ?? 0) + (groups?.length ?? 0))
  }
  const { message } = line
  switch (message.kind) {
    case 'download':
      return 2_000 + message.pieceMap.length + message.availability.length
    case 'picture':
      return 500 + 1_500 * message.actors.length
    case 'messages':
      return 500 + 150 * message.messages.length
    default:
      return 1_500
  }
}

/** A model as the lines that make it. */
function linesOf(model: Model, at: number): RecordedLine[] {
  const lines: RecordedLine[] = []
  for (const process of model.processes.values()) {
    const subject = `shoal.inspect.${process.key.replace('/', '.')}.picture`
    for (const message of snapshotOf(process)) lines.push({ at, type: 'message', subject, message })
    for (const { report } of process.downloads.values()) lines.push({ at, type: 'message', subject, message: report })
  }
  if (model.cluster) lines.push({ at, type: 'event', event: { type: 'cluster', cluster: model.cluster } })
  return lines
}

function snapshotOf({ run, n, at, definitions, actors: known }: ProcessView): Inspection[] {
  const actors = [...known.values()].map(
    ({ key: _key, process: _process, event: _event, from: _from, transitions: _taken, ...actor }) => actor,
  )
  const size = inspectionBounds.actorsPerPicture
  const parts = Math.max(1, Math.ceil(actors.length / size))
  return Array.from({ length: parts }, (_, part) => ({
    run,
    n: Math.max(0, n),
    at,
    kind: 'picture',
    watcher: null,
    part,
    parts,
    actors: actors.slice(part * size, part * size + size),
    definitions,
  }))
}
