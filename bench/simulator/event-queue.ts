// Events in order of virtual time; events due at the same moment happen in the order in which they were planned.
// Most delays are one of a few lengths (a message's latency, a block's time on a line). Each such length has a lane, where
// an event planned later is due later, so no search is needed. All other events are in a heap.

export interface EventQueue {
  readonly nowMs: number
  after(delayMs: number, happen: () => void): void
  /** Like `after`, for a delay whose length recurs; use few different lengths. */
  lane(delayMs: number): (happen: () => void) => void
  /** Runs the next event; false when there is none. */
  step(): boolean
}

interface Lane {
  /** Due times and event numbers, from `first` on. */
  times: number[]
  numbers: number[]
  events: (() => void)[]
  first: number
}

/** Past events are cut off a lane once there are this many and they are most of it. */
const cutAt = 4_096

export function createEventQueue(): EventQueue {
  const times: number[] = []
  const numbers: number[] = []
  const events: (() => void)[] = []
  const lanes: Lane[] = []
  const lanesByDelay = new Map<number, (happen: () => void) => void>()
  let planned = 0
  let nowMs = 0

  const put = (at: number, time: number, number: number, happen: () => void) => {
    times[at] = time
    numbers[at] = number
    events[at] = happen
  }
  const move = (to: number, from: number) => put(to, times[from]!, numbers[from]!, events[from]!)
  const isBefore = (at: number, time: number, number: number) =>
    times[at]! < time || (times[at] === time && numbers[at]! < number)

  /** Removes the heap's top: the last element takes its place and sinks. */
  const takeFirst = () => {
    const happen = events[0]!
    const time = times.pop()!
    const number = numbers.pop()!
    const last = events.pop()!
    const { length } = times
    if (length === 0) return happen
    let at = 0
    for (let child = 1; child < length; child = 2 * at + 1) {
      if (child + 1 < length && isBefore(child + 1, times[child]!, numbers[child]!)) child += 1
      if (!isBefore(child, time, number)) break
      move(at, child)
      at = child
    }
    put(at, time, number, last)
    return happen
  }
  const takeFrom = (lane: Lane) => {
    const happen = lane.events[lane.first]!
    lane.first += 1
    if (lane.first >= cutAt && lane.first * 2 >= lane.times.length) {
      for (const list of [lane.times, lane.numbers, lane.events]) list.splice(0, lane.first)
      lane.first = 0
    }
    return happen
  }

  return {
    get nowMs() {
      return nowMs
    },
    after(delayMs, happen) {
      const time = nowMs + delayMs
      const number = planned++
      let at = times.length
      put(at, time, number, happen)
      for (let parent = (at - 1) >> 1; at > 0 && !isBefore(parent, time, number); parent = (at - 1) >> 1) {
        move(at, parent)
        at = parent
      }
      put(at, time, number, happen)
    },
    lane(delayMs) {
      const there = lanesByDelay.get(delayMs)
      if (there) return there
      const lane: Lane = { times: [], numbers: [], events: [], first: 0 }
      const plan = (happen: () => void) => {
        lane.times.push(nowMs + delayMs)
        lane.numbers.push(planned++)
        lane.events.push(happen)
      }
      lanes.push(lane)
      lanesByDelay.set(delayMs, plan)
      return plan
    },
    step() {
      let time = times.length > 0 ? times[0]! : Number.POSITIVE_INFINITY
      let number = times.length > 0 ? numbers[0]! : Number.POSITIVE_INFINITY
      let from: Lane | undefined
      for (const lane of lanes) {
        const due = lane.times[lane.first]
        if (due === undefined || due > time || (due === time && lane.numbers[lane.first]! > number)) continue
        time = due
        number = lane.numbers[lane.first]!
        from = lane
      }
      if (time === Number.POSITIVE_INFINITY) return false
      nowMs = time
      if (from) takeFrom(from)()
      else takeFirst()()
      return true
    },
  }
}
