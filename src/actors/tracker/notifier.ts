// Sends people notices as the log brings them, and closes the connections of devices that logged out or in again, or whose
// account was disabled or enabled. Both may be lost or happen twice; nothing durable depends on them.

import { trackerTunables } from '../../../config/tracker.ts'
import type { DeviceRef } from '../../domain/device-ref.ts'
import { epochOf } from '../../domain/log-position.ts'
import type { EntriesApplied } from '../../machines/tracker.ts'
import type { LogEvent } from '../../wire/log-record.ts'
import { noticeSubject } from '../../wire/subjects.ts'
import { kickDevice } from './kick-connections.ts'
import { noticesOf } from './notices.ts'
import type { TrackerActor } from './tracker-parts.ts'

export const notifierActor: TrackerActor<EntriesApplied> =
  ({ connections, projection, log }) =>
  ({ receive }) => {
    const epoch = epochOf(projection.origin.streamCreated)
    const waiting = new Set<NodeJS.Timeout>()

    function kickLater({ user, device: id }: DeviceRef) {
      const device = { user, device: id }
      const timer = setTimeout(() => {
        waiting.delete(timer)
        kickDevice(connections.sys, device).catch(err =>
          log.warn({ err, ...device }, 'a device is still connected under a login that has changed'),
        )
      }, trackerTunables.kickAfterMs)
      waiting.add(timer)
    }

    /** Devices whose connections were let in under what no longer holds; they connect again and get what does. */
    function changedLogins(event: LogEvent): DeviceRef[] {
      if (event.type === 'device.logged-out') return [event]
      if (event.type === 'device.logged-in') return event.replaces ? [event] : []
      if (event.type !== 'account.disabled' && event.type !== 'account.enabled') return []
      const { user } = event
      return [...projection.account(user).devices.keys()].map(device => ({ user, device }))
    }

    receive(({ entries }) => {
      for (const entry of entries) {
        for (const { to, notice } of noticesOf(entry, projection))
          connections.log.publish(noticeSubject(to), JSON.stringify({ ...notice, epoch }))
        for (const event of entry.record?.events ?? []) for (const device of changedLogins(event)) kickLater(device)
      }
    })
    return () => {
      for (const timer of waiting) clearTimeout(timer)
    }
  }
