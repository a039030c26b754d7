// What the page shows now: the recording, the position in it, and the state of its source. What arrives is drawn a few
// times a second, however much it is, because the page often runs on the machine that it watches.

import { signal } from '@preact/signals'
import { pageTunables } from '../../../../config/visualizer.ts'
import type { MachineChart } from '../../../wire/machine-chart.ts'
import type { VisualizerConfig } from '../../../wire/visualizer-api.ts'
import type { Model } from './model.ts'
import { type RecordedLine, Recording } from './recording.ts'

interface SourceStatus {
  readonly kind: 'connecting' | 'live' | 'reconnecting' | 'recording' | 'refused'
  readonly text: string
}

export const sourceStatus = signal<SourceStatus>({ kind: 'connecting', text: 'connecting' })
export const config = signal<VisualizerConfig | undefined>(undefined)
export const charts = signal<ReadonlyMap<string, MachineChart>>(new Map())
/** Changes when the recording has grown or was replaced. A component that reads it is drawn again then. */
export const revision = signal(0)
/** In the recording; undefined: its end, also while that moves on. */
export const position = signal<number | undefined>(undefined)
/** 0 while it is paused. */
export const playbackSpeed = signal(0)

export let recording = new Recording()
let waiting: RecordedLine[] = []
let isDue = false

export function receive(line: RecordedLine): void {
  waiting.push(line)
  if (isDue) return
  isDue = true
  setTimeout(addWaiting, document.hidden ? pageTunables.drawHiddenEveryMs : pageTunables.drawEveryMs)
}

function addWaiting(): void {
  isDue = false
  const lines = waiting
  waiting = []
  for (const line of lines) recording.add(line)
  // The line shown may have been dropped: then the oldest is shown.
  if (position.value !== undefined && position.value < recording.first) position.value = recording.first
  revision.value += 1
}

/** Replaces everything that was shown. */
export function showRecording(lines: readonly RecordedLine[]): void {
  waiting = []
  recording = new Recording()
  for (const line of lines) recording.add(line)
  position.value = undefined
  playbackSpeed.value = 0
  revision.value += 1
}

/** The model at the position shown. A component that calls it is drawn again when that changes. */
export function model(): Model {
  revision.value
  return position.value === undefined ? recording.present : recording.at(position.value)
}

/** `undefined`: to the end, and to stay there. */
export function seek(wanted: number | undefined): void {
  if (wanted === undefined) playbackSpeed.value = 0
  position.value = wanted === undefined ? undefined : Math.min(recording.last, Math.max(recording.first, wanted))
}

/** Plays on from the position shown, that many times as fast as it happened; 0 pauses. */
export function play(speed: number): void {
  playbackSpeed.value = speed
  if (speed === 0) return
  position.value ??= recording.last
  let shownMs = recording.timeAt(position.value)
  let drawnAt = performance.now()
  const draw = () => {
    if (playbackSpeed.value !== speed || position.value === undefined) return
    const now = performance.now()
    shownMs += (now - drawnAt) * speed
    drawnAt = now
    const next = recording.positionAt(shownMs)
    if (next >= recording.last) return seek(sourceStatus.value.kind === 'recording' ? recording.last : undefined)
    position.value = next
    setTimeout(draw, pageTunables.drawEveryMs)
  }
  setTimeout(draw, pageTunables.drawEveryMs)
}
