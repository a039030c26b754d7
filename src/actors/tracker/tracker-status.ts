// Every tracker answers status requests for itself: name, applied sequence, digest, uptime.

import type { Subscription } from 'nats'
import { anyTrackersStatus } from '../../wire/subjects.ts'
import type { TrackerStatus } from '../../wire/tracker-status.ts'
import { createIntake, inboxOfUser, type Taken } from './intake.ts'
import { sourceOfDevice } from './message-source.ts'
import type { TrackerParts } from './tracker-parts.ts'

type Parts = Pick<TrackerParts, 'name' | 'connections' | 'projection' | 'load'>

export const answerStatus = (
  { name, connections, projection, load }: Parts,
  startedAt: number,
  failed: (error: Error) => void,
): Subscription => {
  const take = ({ answer }: Taken) => {
    const uptimeSeconds = Math.floor((performance.now() - startedAt) / 1000)
    const status: TrackerStatus = { name, seq: projection.applied, digest: projection.digest(), uptimeSeconds }
    answer(JSON.stringify(status))
  }
  const intake = { room: 'status', sourceOf: sourceOfDevice, inboxOf: inboxOfUser, take } as const
  return connections.reads.subscribe(anyTrackersStatus, { callback: createIntake(load, intake, failed) })
}
