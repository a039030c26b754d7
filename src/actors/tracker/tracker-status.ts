// Every tracker answers status requests for itself: name, applied sequence, digest, uptime. A digest is over all that the
// tracker knows, and anybody may ask: it is computed only so often that it takes little of the tracker's time. In between
// the latest one is sent, with the sequence it is of.

import type { Subscription } from 'nats'
import { trackerTunables } from '../../../config/tracker.ts'
import type { Projection } from '../../storage/projection.ts'
import { anyTrackersStatus } from '../../wire/subjects.ts'
import type { TrackerStatus } from '../../wire/tracker-status.ts'
import { createIntake, inboxOfUser, type Taken } from './intake.ts'
import { sourceOfDevice } from './message-source.ts'
import type { TrackerParts } from './tracker-parts.ts'

export type Position = Pick<TrackerStatus, 'seq' | 'digest'>

/** Returns the function that gives the latest position. `now` in ms. */
export function createPositionReport(
  projection: Pick<Projection, 'applied' | 'digest'>,
  now: () => number = () => performance.now(),
): () => Position {
  let latest: Position | undefined
  let againAtMs = 0
  return () => {
    const beganAtMs = now()
    if (latest && (latest.seq === projection.applied || beganAtMs < againAtMs)) return latest
    latest = { seq: projection.applied, digest: projection.digest() }
    againAtMs = now() + (now() - beganAtMs) / trackerTunables.mostTimeForDigests
    return latest
  }
}

type Parts = Pick<TrackerParts, 'name' | 'connections' | 'projection' | 'load'>

export const answerStatus = (
  { name, connections, projection, load }: Parts,
  startedAt: number,
  failed: (error: Error) => void,
): Subscription => {
  const position = createPositionReport(projection)
  const take = ({ answer }: Taken) => {
    const uptimeSeconds = Math.floor((performance.now() - startedAt) / 1000)
    const status: TrackerStatus = { name, ...position(), uptimeSeconds }
    answer(JSON.stringify(status))
  }
  const intake = { room: 'status', sourceOf: sourceOfDevice, inboxOf: inboxOfUser, take } as const
  return connections.reads.subscribe(anyTrackersStatus, { callback: createIntake(load, intake, failed) })
}
