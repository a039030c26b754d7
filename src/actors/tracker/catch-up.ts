// Catching up with the log's end before something is decided from the projection's silence: that somebody is unknown,
// that a group is not there.

import { tracker } from '../../../config/tunables.ts'
import type { TrackerParts } from './tracker-parts.ts'

export interface CatchUp {
  /** True once the projection holds what the log ended with when asked; false when that did not happen in time. */
  toEnd(): Promise<boolean>
  /** True once the projection is as new as `seq`, or as the log is: nobody can have seen what it does not hold. */
  toSeen(seq: number): Promise<boolean>
}

export function createCatchUp({ eventLog, progress }: Pick<TrackerParts, 'eventLog' | 'progress'>): CatchUp {
  const toEnd = async () => {
    const end = await eventLog.end().catch(() => undefined)
    return end !== undefined && progress.reached(end.lastSeq, tracker.catchUpMs)
  }
  return {
    toEnd,
    async toSeen(seq) {
      return (await progress.reached(seq, tracker.followUpMs)) || toEnd()
    },
  }
}
