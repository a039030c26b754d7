// Waits, for a limited time, until a condition holds.

import { setTimeout as delay } from 'node:timers/promises'

/** Looks again and again; throws, with `what` in it, when it has not come true in time. */
export async function until(
  what: string,
  isTrue: () => unknown,
  { withinMs = 60_000, everyMs = 50 } = {},
): Promise<void> {
  const giveUpAt = performance.now() + withinMs
  while (!(await isTrue())) {
    if (performance.now() > giveUpAt) throw new Error(`not within ${withinMs} ms: ${what}`)
    await delay(everyMs)
  }
}
