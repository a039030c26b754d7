// What a visualizer shows of this tracker besides its status: its number of requests, and which devices are online. A person
// sees their own devices and groups; the operator, who needs a tracker's key, sees all.

import type { Subscription } from 'nats'
import { isId } from '../../domain/names.ts'
import { addressOf, anyTrackersStats, inboxPrefix, operatorAsking } from '../../wire/subjects.ts'
import { mostInStats, type TrackerStats } from '../../wire/tracker-status.ts'
import { goesInto } from './tracker-messages.ts'
import type { TrackerParts } from './tracker-parts.ts'

type Parts = Pick<TrackerParts, 'name' | 'connections' | 'projection' | 'online'>

/** `requests`: taken so far. */
export const answerStats = (
  { name, connections, projection, online }: Parts,
  requests: () => number,
  failed: (error: Error) => void,
): Subscription =>
  connections.shoal.subscribe(anyTrackersStats, {
    callback: (error, message) => {
      if (error) return failed(error)
      const address = addressOf(message.subject)
      if (!address || !goesInto(inboxPrefix(address.user), message)) return
      const isOperator = address.user === operatorAsking.user
      if (!isOperator && !isId(address.user)) return
      const seen = online.all().filter(({ user }) => isOperator || user === address.user)
      const stats: TrackerStats = {
        name,
        requests: requests(),
        online: seen.length,
        devices: seen
          .slice(0, mostInStats)
          .map(({ user, device, fetching }) => ({ user, device, fetching: fetching.length })),
        groups: projection.groups(mostInStats, isOperator ? undefined : address.user),
      }
      message.respond(JSON.stringify(stats))
    },
  })
