// Every tracker answers status requests for itself: name, applied sequence, digest, uptime. A digest is over all that the
// tracker knows, and anybody may ask: it is computed only so often that it takes little of the tracker's time. In between
// the latest one is sent, with the sequence it is of.

import type { Subscription } from 'nats'
import { trackerTunables } from '../../../config/tracker.ts'
import type { Projection } from '../../storage/projection.ts'
import { addressOf, anyTrackersStatus, inboxPrefix } from '../../wire/subjects.ts'
import type { TrackerStatus } from '../../wire/tracker-status.ts'
import { goesInto } from './tracker-messages.ts'
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

type Parts = Pick<TrackerParts, 'name' | 'connections' | 'projection'>

export const answerStatus = (
  { name, connections, projection }: Parts,
  startedAt: number,
  failed: (error: Error) => void,
): Subscription => {
  const position = createPositionReport(projection)
  return connections.shoal.subscribe(anyTrackersStatus, {
    callback: (error, message) => {
      if (error) return failed(error)
      const address = addressOf(message.subject)
      if (!address || !goesInto(inboxPrefix(address.user), message)) return
      const status: TrackerStatus = {
        name,
        ...position(),
        uptimeSeconds: Math.floor((performance.now() - startedAt) / 1000),
      }
      message.respond(JSON.stringify(status))
    },
  })
}
