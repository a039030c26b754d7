// A clock that goes only when it is told to; each timer runs at its own moment.

import type { ThrottleClock } from '../../src/actors/swarm/throttle.ts'

export interface VirtualClock extends ThrottleClock {
  advance(ms: number): void
}

export function virtualClock(): VirtualClock {
  let nowMs = 0
  const timers = new Set<{ readonly atMs: number; readonly run: () => void }>()
  return {
    now: () => nowMs,
    setTimeout(run, ms) {
      const timer = { atMs: nowMs + ms, run }
      timers.add(timer)
      return timer
    },
    clearTimeout: timer => void timers.delete(timer as never),
    advance(ms) {
      const untilMs = nowMs + ms
      for (;;) {
        const [next] = [...timers].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)
        if (!next) break
        nowMs = next.atMs
        timers.delete(next)
        next.run()
      }
      nowMs = untilMs
    },
  }
}
