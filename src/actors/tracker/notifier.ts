// Sends people notices as the log brings them, and closes the connections of devices that logged out. Both may be lost or
// happen twice; nothing durable depends on them.

import { trackerTunables } from '../../../config/tracker.ts'
import { epochOf } from '../../domain/log-position.ts'
import type { EntriesApplied } from '../../machines/tracker.ts'
import { noticeSubject } from '../../wire/subjects.ts'
import { kickDevice } from './kick-connections.ts'
import { noticesOf } from './notices.ts'
import type { TrackerActor } from './tracker-parts.ts'

export const notifierActor: TrackerActor<EntriesApplied> =
  ({ connections, projection, log }) =>
  ({ receive }) => {
    const epoch = epochOf(projection.origin.streamCreated)
    const waiting = new Set<NodeJS.Timeout>()

    function kickLater(device: { user: string; device: string }) {
      const timer = setTimeout(() => {
        waiting.delete(timer)
        kickDevice(connections.sys, device).catch(err =>
          log.warn({ err, ...device }, 'a device that logged out is still connected'),
        )
      }, trackerTunables.kickAfterMs)
      waiting.add(timer)
    }

    receive(({ entries }) => {
      for (const entry of entries) {
        for (const { to, notice } of noticesOf(entry, projection))
          connections.log.publish(noticeSubject(to), JSON.stringify({ ...notice, epoch }))
        for (const event of entry.record?.events ?? [])
          if (event.type === 'device.logged-out') kickLater({ user: event.user, device: event.device })
      }
    })
    return () => {
      for (const timer of waiting) clearTimeout(timer)
    }
  }
