// What a visualizer shows of this tracker besides its status: its number of requests, and which devices are online. A person
// sees their own devices and groups; the operator, who needs a tracker's key, sees all.

import type { Subscription } from 'nats'
import { addressOf, anyTrackersStats, operatorAsking } from '../../wire/subjects.ts'
import { mostInStats, type TrackerStats } from '../../wire/tracker-status.ts'
import { createIntake, inboxOfUser, type Taken } from './intake.ts'
import { sourceOfDevice } from './message-source.ts'
import type { TrackerParts } from './tracker-parts.ts'

type Parts = Pick<TrackerParts, 'name' | 'connections' | 'projection' | 'online' | 'load'>

/** `requests`: taken so far. */
export const answerStats = (
  { name, connections, projection, online, load }: Parts,
  requests: () => number,
  failed: (error: Error) => void,
): Subscription => {
  const take = ({ subject, answer }: Taken) => {
    const asking = addressOf(subject)?.user ?? ''
    const isOperator = asking === operatorAsking.user
    const seen = isOperator ? online.all() : online.of(asking)
    const stats: TrackerStats = {
      name,
      requests: requests(),
      online: seen.length,
      devices: seen
        .slice(0, mostInStats)
        .map(({ user, device, fetching }) => ({ user, device, fetching: fetching.length })),
      groups: projection.groups(mostInStats, isOperator ? undefined : asking),
    }
    answer(JSON.stringify(stats))
  }
  const intake = { room: 'status', sourceOf: sourceOfDevice, inboxOf: inboxOfUser, take } as const
  return connections.reads.subscribe(anyTrackersStats, { callback: createIntake(load, intake, failed) })
}
