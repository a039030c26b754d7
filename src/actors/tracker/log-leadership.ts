// Whether a broker's word on where the log ends is the cluster's. One that was paused or cut off goes on to think that it
// leads, and with no leader at all any broker answers for itself: both may be behind what others have acknowledged.

import { logTunables } from '../../../config/tracker.ts'

/** As JetStream tells it; `active` is ns since the leader last heard that broker, 0 for never. */
export interface LogCluster {
  readonly leader?: string | undefined
  readonly replicas?: readonly { readonly active: number }[] | undefined
}

/**
 * A leader that just heard a majority is the only one: no other can have been elected meanwhile. `copies` is how many
 * brokers keep the log, which one that is alone does not say.
 */
export function speaksForAll(cluster: LogCluster | undefined, copies: number): boolean {
  if (copies === 1) return true
  const heard = (cluster?.replicas ?? []).filter(
    ({ active }) => active > 0 && active < logTunables.leaderHeardWithinMs * 1e6,
  )
  return Boolean(cluster?.leader) && 1 + heard.length > copies / 2
}
