// Catching up with the log's end before something is decided from the projection's silence: that somebody is unknown,
// that a group is not there.

import { setTimeout as delay } from 'node:timers/promises'
import { trackerTunables } from '../../../config/tracker.ts'
import type { LogEnd } from './event-log.ts'
import type { TrackerParts } from './tracker-parts.ts'

export interface CatchUp {
  /** True once the projection holds what the log ended with when asked; false when that did not happen in time. */
  toEnd(): Promise<boolean>
  /**
   * True once the projection is as new as `seq`. Never from behind what was seen in this very log, also where the brokers
   * say that it ends earlier: a leader that was cut off, and does not know it yet, says so of a log that has gone on.
   * Of which log nobody knows, may be another cluster's: then, as new as the log is.
   */
  toSeen(seq: number, isOfThisLog: boolean): Promise<boolean>
}

export function createCatchUp({ eventLog, progress }: Pick<TrackerParts, 'eventLog' | 'progress'>): CatchUp {
  let asking: Promise<LogEnd | undefined> | undefined
  let next: typeof asking
  const ask = () => {
    const asked = eventLog.end().catch(() => undefined)
    asking = asked
    void asked.then(() => {
      if (asking === asked) asking = undefined
    })
    return asked
  }
  /** Whoever comes while the brokers are being asked shares the next question: a flood of strangers asks them little. */
  const newestEnd = () => {
    if (!asking) return ask()
    next ??= Promise.race([asking, delay(trackerTunables.askEndAgainMs)]).then(() => {
      next = undefined
      return ask()
    })
    return next
  }
  const toEnd = async () => {
    const end = await newestEnd()
    return end !== undefined && progress.reached(end.lastSeq, trackerTunables.catchUpMs)
  }
  return {
    toEnd,
    async toSeen(seq, isOfThisLog) {
      if (await progress.reached(seq, trackerTunables.followUpMs)) return true
      return (await toEnd()) && (!isOfThisLog || progress.reached(seq, 0))
    },
  }
}
