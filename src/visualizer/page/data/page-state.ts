// What the page shows now: the tape, where on it, and how it stands with the source. What comes in is gathered and shown
// a few times a second, however much it is: watching must cost the watched nothing, and often runs on the same machine.

import { signal } from '@preact/signals'
import type { MachineChart } from '../../../wire/machine-chart.ts'
import type { VisualizerConfig } from '../../../wire/visualizer-api.ts'
import type { Model } from './model.ts'
import { createTape, type Line, type Tape } from './recording.ts'

interface Standing {
  readonly kind: 'connecting' | 'live' | 'reconnecting' | 'recording' | 'refused'
  readonly text: string
}

export const standing = signal<Standing>({ kind: 'connecting', text: 'connecting' })
export const config = signal<VisualizerConfig | undefined>(undefined)
export const charts = signal<ReadonlyMap<string, MachineChart>>(new Map())
/** Counts what was shown: whoever reads it is drawn again with it. */
export const shown = signal(0)
/** A place on the tape; undefined: the end, and along with it. */
export const place = signal<number | undefined>(undefined)
/** How fast it runs from there; 0 stands still. */
export const speed = signal(0)

const showEveryMs = 125
const showHiddenEveryMs = 1_000

export let tape: Tape = createTape()
let waiting: Line[] = []
let isDue = false

export function hear(line: Line): void {
  waiting.push(line)
  if (isDue) return
  isDue = true
  setTimeout(showWaiting, document.hidden ? showHiddenEveryMs : showEveryMs)
}

function showWaiting() {
  isDue = false
  const heard = waiting
  waiting = []
  for (const line of heard) tape.add(line)
  // Who looks at what the tape has let go of meanwhile sees the oldest that it has.
  if (place.value !== undefined && place.value < tape.first) place.value = tape.first
  shown.value += 1
}

/** In place of all that was shown. */
export function begin(lines: readonly Line[] = []): void {
  waiting = []
  tape = createTape()
  for (const line of lines) tape.add(line)
  place.value = undefined
  speed.value = 0
  shown.value += 1
}

export const lastPlace = (): number => tape.first + tape.lines.length - 1

/** Reads `shown` and `place`, so that whoever draws by it is drawn again. */
export function model(): Model {
  shown.value
  return place.value === undefined ? tape.present : tape.at(place.value)
}

export function goTo(wanted: number | undefined): void {
  if (wanted === undefined) speed.value = 0
  place.value = wanted === undefined ? undefined : Math.min(lastPlace(), Math.max(tape.first, wanted))
}

export const timeAt = (where: number): number => tape.lines[where - tape.first]?.at ?? 0

/** The last line by then; lines come in order of time. */
function placeAt(ms: number): number {
  let low = 0
  let high = tape.lines.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (tape.lines[middle]!.at <= ms) low = middle + 1
    else high = middle
  }
  return tape.first + Math.max(0, low - 1)
}

let lastFrame = 0
export function play(times: number): void {
  speed.value = times
  if (times === 0) return
  place.value ??= lastPlace()
  let now = timeAt(place.value)
  lastFrame = performance.now()
  const frame = () => {
    if (speed.value !== times || place.value === undefined) return
    const passed = performance.now()
    now += (passed - lastFrame) * times
    lastFrame = passed
    const next = placeAt(now)
    if (next >= lastPlace()) return goTo(standing.value.kind === 'recording' ? lastPlace() : undefined)
    place.value = next
    setTimeout(frame, showEveryMs)
  }
  setTimeout(frame, showEveryMs)
}
