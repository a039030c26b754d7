import { setImmediate as turn } from 'node:timers/promises'

/** Gives the event loop turns until `measure` has not changed for 200 of them. */
export async function settled(measure: () => number): Promise<void> {
  for (let quiet = 0, last = measure(); quiet < 200; quiet++) {
    await turn()
    if (measure() !== last) quiet = 0
    last = measure()
  }
}
