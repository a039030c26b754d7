// What is to happen, in order of virtual time; what is due at one moment happens in the order in which it was planned.
// Most waits are one of a few lengths (a message's way, a block's time on a line): each such length has a lane, where
// what is planned later is due later, so that it costs no search. Everything else is in a heap.

export interface EventQueue {
  readonly nowMs: number
  after(delayMs: number, happen: () => void): void
  /** As `after`, for a wait of a length that comes up again and again; few different ones. */
  lane(delayMs: number): (happen: () => void) => void
  /** Makes the next thing happen; false when there is none. */
  step(): boolean
}

interface Lane {
  /** Due times, and the numbers of what was planned, from `first` on. */
  times: number[]
  numbers: number[]
  events: (() => void)[]
  first: number
}

/** What has happened is cut off a lane once it is this much, and most of it. */
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

  /** Off the heap: the last goes where the first was, and down from there. */
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
