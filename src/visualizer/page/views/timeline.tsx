// Where on the tape the page is: live at its end, or at an earlier moment, from where it can be played.

import { goTo, lastPlace, place, play, shown, speed, standing, tape, timeAt } from '../data/page-state.ts'
import { timeOfDay } from '../format.ts'
import { chosenActor } from '../route.ts'

/** To the last or next step of the actor that is followed, else of anything. */
export function stepBy(direction: 1 | -1): void {
  const here = place.value ?? lastPlace()
  const steps = chosenActor.value === undefined ? undefined : tape.steps.get(chosenActor.value)
  if (steps === undefined) {
    goTo(here + direction)
    return
  }
  const next = direction > 0 ? steps.find(step => step.place > here) : steps.findLast(step => step.place < here)
  if (next) goTo(next.place)
}

export const playOrPause = (): void =>
  speed.value > 0 ? play(0) : place.value === undefined ? goTo(lastPlace()) : play(1)

export function Timeline() {
  shown.value
  if (tape.lines.length < 2) return <footer class="timeline" />
  const isRecording = standing.value.kind === 'recording'
  const here = place.value ?? lastPlace()
  const isPlaying = speed.value > 0
  return (
    <footer class="timeline">
      <button type="button" aria-label="One step back" onClick={() => stepBy(-1)}>
        ◀
      </button>
      <button type="button" onClick={playOrPause} aria-pressed={place.value !== undefined && !isPlaying}>
        {isPlaying || place.value === undefined ? 'Pause' : 'Play'}
      </button>
      <button type="button" aria-label="One step on" onClick={() => stepBy(1)}>
        ▶
      </button>
      <input
        type="range"
        aria-label="Moment shown"
        aria-valuetext={timeOfDay(timeAt(here))}
        min={tape.first}
        max={lastPlace()}
        value={here}
        onInput={event => {
          speed.value = 0
          goTo(Number(event.currentTarget.value))
        }}
      />
      <time class="mono">{timeOfDay(timeAt(here))}</time>
      <select
        aria-label="Speed"
        value={String(speed.value || 1)}
        onChange={event => play(Number(event.currentTarget.value))}
      >
        {[0.25, 1, 4, 16].map(times => (
          <option key={times} value={String(times)}>
            {times}×
          </option>
        ))}
      </select>
      <button type="button" class={place.value === undefined ? 'now' : 'primary'} onClick={() => goTo(undefined)}>
        {isRecording ? 'End' : place.value === undefined ? '● Live' : 'Back to live'}
      </button>
    </footer>
  )
}
