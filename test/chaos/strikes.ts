// One lane of faults: one after the other, every kind as often as any other, until the time is up; each is mended.

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
  /** Short pauses, and faults that last as short as they may. */
  readonly isShort: boolean
  /** Resolves once the next may strike; false when it never gets so. */
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
