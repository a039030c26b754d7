// Every tracker says for itself how far it is, whenever it is asked: name, applied sequence, digest, uptime.

import type { Subscription } from 'nats'
import { addressOf, anyTrackersStatus, inboxPrefix } from '../../wire/subjects.ts'
import type { TrackerStatus } from '../../wire/tracker-api.ts'
import { goesInto } from './tracker-messages.ts'
import type { TrackerParts } from './tracker-parts.ts'

type Parts = Pick<TrackerParts, 'name' | 'connections' | 'projection'>

export const answerStatus = (
  { name, connections, projection }: Parts,
  startedAt: number,
  failed: (error: Error) => void,
): Subscription =>
  connections.shoal.subscribe(anyTrackersStatus, {
    callback: (error, message) => {
      if (error) return failed(error)
      const address = addressOf(message.subject)
      if (!address || !goesInto(inboxPrefix(address.user), message)) return
      const status: TrackerStatus = {
        name,
        seq: projection.applied,
        digest: projection.digest(),
        uptimeSeconds: Math.floor((performance.now() - startedAt) / 1000),
      }
      message.respond(JSON.stringify(status))
    },
  })
