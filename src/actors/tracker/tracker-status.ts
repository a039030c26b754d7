// Every tracker says for itself how far it is, whenever it is asked: name, applied sequence, digest, uptime. A digest is
// made of everything the tracker knows, and anybody may ask: one is made only so often that little time goes into it, and
// in between the latest is told, with its own sequence.

import type { Subscription } from 'nats'
import { trackerTunables } from '../../../config/tracker.ts'
import type { Projection } from '../../storage/projection.ts'
import { addressOf, anyTrackersStatus, inboxPrefix } from '../../wire/subjects.ts'
import type { TrackerStatus } from '../../wire/tracker-status.ts'
import { goesInto } from './tracker-messages.ts'
import type { TrackerParts } from './tracker-parts.ts'

export type Position = Pick<TrackerStatus, 'seq' | 'digest'>

/** What to say of the projection at a time; `now` in ms. */
export function createPositionReport(
  projection: Pick<Projection, 'applied' | 'digest'>,
  now: () => number = () => performance.now(),
): () => Position {
  let told: Position | undefined
  let againAtMs = 0
  return () => {
    const beganAtMs = now()
    if (told && (told.seq === projection.applied || beganAtMs < againAtMs)) return told
    told = { seq: projection.applied, digest: projection.digest() }
    againAtMs = now() + (now() - beganAtMs) / trackerTunables.mostTimeForDigests
    return told
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
