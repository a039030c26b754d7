// What is to happen, in order of virtual time; what is due at one moment happens in the order in which it was planned.

export interface EventQueue {
  readonly nowMs: number
  after(delayMs: number, happen: () => void): void
  /** Makes the next thing happen; false when there is none. */
  step(): boolean
}

export function createEventQueue(): EventQueue {
  const times: number[] = []
  const numbers: number[] = []
  const events: (() => void)[] = []
  let planned = 0
  let nowMs = 0
  const isBefore = (a: number, b: number) =>
    times[a]! < times[b]! || (times[a] === times[b] && numbers[a]! < numbers[b]!)
  const swap = (a: number, b: number) => {
    ;[times[a], times[b]] = [times[b]!, times[a]!]
    ;[numbers[a], numbers[b]] = [numbers[b]!, numbers[a]!]
    ;[events[a], events[b]] = [events[b]!, events[a]!]
  }
  return {
    get nowMs() {
      return nowMs
    },
    after(delayMs, happen) {
      let at = times.push(nowMs + delayMs) - 1
      numbers.push(planned++)
      events.push(happen)
      for (let parent = (at - 1) >> 1; at > 0 && isBefore(at, parent); parent = (at - 1) >> 1) {
        swap(at, parent)
        at = parent
      }
    },
    step() {
      if (times.length === 0) return false
      nowMs = times[0]!
      const happen = events[0]!
      swap(0, times.length - 1)
      times.pop()
      numbers.pop()
      events.pop()
      for (let at = 0; ; ) {
        let least = at
        for (const child of [2 * at + 1, 2 * at + 2]) if (child < times.length && isBefore(child, least)) least = child
        if (least === at) break
        swap(at, least)
        at = least
      }
      happen()
      return true
    },
  }
}
