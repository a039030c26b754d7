// Whether a broker knows where the log ends. A paused or partitioned leader still believes that it leads, and without a
// leader any broker answers: both may be behind what others have acknowledged.

import { logTunables } from '../../../config/tracker.ts'

/** As JetStream tells it; `active` is ns since the leader last heard that broker, 0 for never. */
export interface LogCluster {
  readonly leader?: string | undefined
  readonly replicas?: readonly { readonly active: number }[] | undefined
}

/**
 * A leader that just heard a majority is the only one: no other can have been elected meanwhile. `copies`: how many
 * brokers keep the log, which a single broker does not report.
 */
export function speaksForAll(cluster: LogCluster | undefined, copies: number): boolean {
  if (copies === 1) return true
  const heard = (cluster?.replicas ?? []).filter(
    ({ active }) => active > 0 && active < logTunables.leaderHeardWithinMs * 1e6,
  )
  return Boolean(cluster?.leader) && 1 + heard.length > copies / 2
}
