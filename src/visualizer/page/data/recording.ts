// Everything the page has heard, in order, so that it can show any earlier moment of it and save it to a file. `present`
// is always at the end; an earlier moment is a second model, made anew from the oldest kept one. Always bounded: what is
// too old is folded into that oldest model, and can no longer be gone back to.

import type { InspectedActor, TakenTransition } from '../../../wire/inspected-actor.ts'
import { type Inspection, inspectionSchema } from '../../../wire/inspection.ts'
import { parseJson } from '../../../wire/json.ts'
import {
  type RecordingHead,
  recordingHeadSchema,
  recordingLineSchema,
  type VisualizerEvent,
} from '../../../wire/visualizer-api.ts'
import { applyInspection, emptyModel, type Model } from './model.ts'

export type Line =
  | { readonly at: number; readonly type: 'message'; readonly subject: string; readonly message: Inspection }
  | { readonly at: number; readonly type: 'event'; readonly event: VisualizerEvent }

/** One step of one actor, as its history shows it. */
export interface Step {
  /** Its line's place on the tape. */
  readonly place: number
  readonly at: number
  readonly actor: InspectedActor
  readonly event: string
  readonly from: string | null
  readonly transitions: readonly TakenTransition[]
  readonly merged: number
}

export interface Saying {
  readonly place: number
  readonly at: number
  readonly process: string
  readonly from: string | null
  readonly to: string
  readonly event: string
  readonly count: number
}

const mostCost = 64_000_000
const mostStepsPerActor = 500
const mostSayings = 4_000

export interface Tape {
  readonly lines: readonly Line[]
  /** The place of `lines[0]`. */
  readonly first: number
  readonly present: Model
  /** By an actor's key. */
  readonly steps: ReadonlyMap<string, readonly Step[]>
  readonly sayings: readonly Saying[]
  add(line: Line): void
  /** The model right after the line at that place. */
  at(place: number): Model
  /** JSON lines. */
  save(version: string, you: RecordingHead['you']): string
}

function advance(model: Model, line: Line) {
  if (line.type === 'message') return applyInspection(model, line.subject, line.message)
  if (line.event.type === 'cluster') model.cluster = line.event.cluster
  return undefined
}

/** Roughly what it takes in memory, in bytes: of one, and of each thing that it lists. */
function costOf(line: Line): number {
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

/** `most`: what is kept costs no more than that, in bytes. */
export function createTape(most = mostCost): Tape {
  let lines: Line[] = []
  let first = 0
  let cost = 0
  const base = emptyModel()
  const present = emptyModel()
  const steps = new Map<string, Step[]>()
  const sayings: Saying[] = []
  let past: { model: Model; place: number } | undefined

  function keepHistory(line: Line, place: number) {
    const applied = advance(present, line)
    if (line.type !== 'message' || applied === undefined) return
    const { message } = line
    if (applied.kind === 'step' && message.kind === 'step') {
      const { actor, event, from, transitions, merged, at } = message
      const own = steps.get(applied.actor.key) ?? []
      own.push({ place, at, actor, event, from, transitions, merged })
      if (own.length > mostStepsPerActor) own.shift()
      steps.set(applied.actor.key, own)
    }
    if (applied.kind === 'messages' && message.kind === 'messages') {
      for (const said of message.messages) sayings.push({ place, process: applied.process.key, ...said })
      if (sayings.length > mostSayings) sayings.splice(0, sayings.length - mostSayings)
    }
  }

  function trim() {
    let end = 0
    while (cost > most * 0.8 && end < lines.length) {
      advance(base, lines[end]!)
      cost -= costOf(lines[end]!)
      end += 1
    }
    lines = lines.slice(end)
    first += end
    for (const [key, own] of steps) {
      const kept = own.filter(step => step.place >= first)
      if (kept.length === 0) steps.delete(key)
      else if (kept.length < own.length) steps.set(key, kept)
    }
  }

  return {
    get lines() {
      return lines
    },
    get first() {
      return first
    },
    present,
    steps,
    sayings,
    add(line) {
      keepHistory(line, first + lines.length)
      lines.push(line)
      cost += costOf(line)
      if (cost > most) trim()
    },
    at(place) {
      if (past === undefined || past.place > place || past.place < first - 1)
        past = { model: structuredClone(base), place: first - 1 }
      for (; past.place < place && past.place < first + lines.length - 1; past.place += 1)
        advance(past.model, lines[past.place + 1 - first]!)
      return past.model
    },
    save(version, you) {
      const startedAt = lines[0]?.at ?? Date.now()
      const head: RecordingHead = { shoalRecording: 1, startedAt, version, you }
      let ms = 0
      const kept = [...linesOf(base, startedAt), ...lines].map(({ at, ...line }) => {
        ms = Math.max(ms, at - startedAt)
        return JSON.stringify({ ms, ...line })
      })
      return `${[JSON.stringify(head), ...kept].join('\n')}\n`
    },
  }
}

/** What is known of the time before the tape begins, as the messages that say it. */
function linesOf(model: Model, at: number): Line[] {
  const lines: Line[] = []
  for (const process of model.processes.values()) {
    const subject = `shoal.inspect.${process.key.replace('/', '.')}.picture`
    const actors = [...process.actors.values()].map(
      ({ key: _key, process: _process, event: _event, from: _from, transitions: _taken, ...actor }) => actor,
    )
    const parts = Math.max(1, Math.ceil(actors.length / 64))
    for (let part = 0; part < parts; part += 1) {
      const { run, n, at: saidAt, definitions } = process
      const some = actors.slice(part * 64, part * 64 + 64)
      const head = { run, n: Math.max(0, n), at: saidAt }
      const message: Inspection = { ...head, kind: 'picture', watcher: null, part, parts, actors: some, definitions }
      lines.push({ at, type: 'message', subject, message })
    }
    for (const { report } of process.downloads.values()) lines.push({ at, type: 'message', subject, message: report })
  }
  if (model.cluster) lines.push({ at, type: 'event', event: { type: 'cluster', cluster: model.cluster } })
  return lines
}

type ReadRecording =
  | { readonly ok: true; readonly head: RecordingHead; readonly lines: readonly Line[]; readonly broken: number }
  | { readonly ok: false; readonly message: string }

/** A file from anywhere: lines that are not of a recording are left out and counted. */
export function readRecording(text: string): ReadRecording {
  const [first = '', ...rest] = text.split('\n')
  const head = recordingHeadSchema.safeParse(parseJson(first))
  if (!head.success) return { ok: false, message: 'this file is no recording of Shoal, or of another version' }
  const lines: Line[] = []
  let broken = 0
  for (const raw of rest) {
    if (raw === '') continue
    const line = recordingLineSchema.safeParse(parseJson(raw)).data
    const at = head.data.startedAt + (line?.ms ?? 0)
    if (line?.type === 'event') lines.push({ at, type: 'event', event: line.event })
    else {
      const message = line && inspectionSchema.safeParse(line.message).data
      if (message) lines.push({ at, type: 'message', subject: line.subject, message })
      else broken += 1
    }
  }
  return { ok: true, head: head.data, lines, broken }
}
