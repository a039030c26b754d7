// Catches up with the log's end before a tracker decides that something is missing: a user, a group.

import { setTimeout as delay } from 'node:timers/promises'
import { trackerTunables } from '../../../config/tracker.ts'
import type { LogEnd } from './event-log.ts'
import type { TrackerParts } from './tracker-parts.ts'

export interface CatchUp {
  /** True once the projection holds all that the log held when asked; false if that takes too long. */
  toEnd(): Promise<boolean>
  /**
   * True once the projection holds `seq`. If `seq` is of this log, never earlier, even if the brokers say that the log ends
   * before it: a leader that was cut off may not know yet that the log went on. If it may be of another cluster's log, being
   * as new as the log is enough.
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
  /** Calls made while the brokers are being asked share the next question, so that a flood of logins costs them little. */
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
