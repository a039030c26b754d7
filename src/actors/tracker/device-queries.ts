// Answers which devices a person is logged in on. When a device was last seen is the latest of three: its last heartbeat
// that this tracker heard since it started (to the second, of devices whose agent runs); its recorded use (at most a week
// old when it was used); and its log-in.

import { done } from '../../domain/refusal.ts'
import type { Queries } from './queries.ts'
import type { TrackerParts } from './tracker-parts.ts'

export const createDeviceQueries = ({
  projection,
  online,
}: Pick<TrackerParts, 'projection' | 'online'>): Pick<Queries, 'device.list'> => ({
  'device.list': (_, { user }) =>
    done(
      projection.devicesOf(user).map(({ device, name, since, used }) => ({
        device,
        name,
        since,
        seen: Math.max(since, used, online.seenAt({ user, device }) ?? 0),
        online: online.find({ user, device }) !== undefined,
      })),
    ),
})
