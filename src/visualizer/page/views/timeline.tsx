// The position in the recording: live at its end, or at an earlier moment, from where it can be played.

import { play, playbackSpeed, position, recording, revision, seek, sourceStatus } from '../data/page-state.ts'
import { formatTime } from '../format.ts'
import { chosenActor } from '../route.ts'

/** To the previous or next step of the chosen actor; with none chosen, of any. */
export function stepBy(direction: 1 | -1): void {
  const here = position.value ?? recording.last
  const steps = chosenActor.value === undefined ? undefined : recording.steps.get(chosenActor.value)
  if (steps === undefined) {
    seek(here + direction)
    return
  }
  const next = direction > 0 ? steps.find(step => step.position > here) : steps.findLast(step => step.position < here)
  if (next) seek(next.position)
}

export const playOrPause = (): void =>
  playbackSpeed.value > 0 ? play(0) : position.value === undefined ? seek(recording.last) : play(1)

export function Timeline() {
  revision.value
  if (recording.lines.length < 2) return <footer class="timeline" />
  const isRecording = sourceStatus.value.kind === 'recording'
  const here = position.value ?? recording.last
  const isPlaying = playbackSpeed.value > 0
  return (
    <footer class="timeline">
      <button type="button" aria-label="One step back" onClick={() => stepBy(-1)}>
        ◀
      </button>
      <button type="button" onClick={playOrPause} aria-pressed={position.value !== undefined && !isPlaying}>
        {isPlaying || position.value === undefined ? 'Pause' : 'Play'}
      </button>
      <button type="button" aria-label="One step forward" onClick={() => stepBy(1)}>
        ▶
      </button>
      <input
        type="range"
        aria-label="Moment shown"
        aria-valuetext={formatTime(recording.timeAt(here))}
        min={recording.first}
        max={recording.last}
        value={here}
        onInput={event => {
          playbackSpeed.value = 0
          seek(Number(event.currentTarget.value))
        }}
      />
      <time class="mono">{formatTime(recording.timeAt(here))}</time>
      <select
        aria-label="Speed"
        value={String(playbackSpeed.value || 1)}
        onChange={event => play(Number(event.currentTarget.value))}
      >
        {[0.25, 1, 4, 16].map(times => (
          <option key={times} value={String(times)}>
            {times}×
          </option>
        ))}
      </select>
      <button type="button" class={position.value === undefined ? 'now' : 'primary'} onClick={() => seek(undefined)}>
        {isRecording ? 'End' : position.value === undefined ? '● Live' : 'Back to live'}
      </button>
    </footer>
  )
}
