// One lane of faults: one after the other until the time is up, each kind equally often, each repaired.

import { setTimeout as delay } from 'node:timers/promises'
import type { Fault } from './faults.ts'

export interface Strike {
  readonly name: string
  readonly from: number
  mendedAt: number
}

export interface Lane {
  readonly faults: readonly Fault[]
  readonly chance: () => number
  isOver(): boolean
  now(): number
  /** Short pauses, and each fault at its shortest duration. */
  readonly isShort: boolean
  /** Resolves when the next may strike; to false if that never happens. */
  ready(): Promise<boolean>
  onStrike(strike: Strike): void
  onStuck(problem: string): void
}

export async function strikeUntil(lane: Lane): Promise<void> {
  const { chance, faults, isShort, now } = lane
  let deck: Fault[] = []
  while (!lane.isOver()) {
    await delay(isShort ? 500 : 1_000 + chance() * 4_000)
    if (!(await lane.ready()))
      return lane.onStuck('the brokers did not come back to having all of the log within a minute')
    if (lane.isOver()) return
    if (deck.length === 0) deck = shuffled(faults, chance)
    const fault = deck.pop()
    if (!fault) return
    const strike: Strike = { name: fault.name, from: now(), mendedAt: Number.POSITIVE_INFINITY }
    lane.onStrike(strike)
    const mend = await fault.strike()
    const [least, most] = fault.lasts
    await delay(isShort ? least : least + chance() * (most - least))
    await mend()
    strike.mendedAt = now()
  }
}

function shuffled<T>(list: readonly T[], chance: () => number): T[] {
  const keyed = list.map(item => [chance(), item] as const)
  return keyed.sort(([one], [other]) => one - other).map(([, item]) => item)
}
