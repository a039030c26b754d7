// Keeps the table of online devices from their heartbeats. The address in a heartbeat's subject is the one that the broker
// saw, pinned by the device's permissions, so no device can direct downloads to another host.

import { isDeviceId, isId } from '../../domain/names.ts'
import { heartbeatSchema } from '../../wire/heartbeat.ts'
import { readJson } from '../../wire/json.ts'
import { addressOf, anyPresence, hostIn } from '../../wire/subjects.ts'
import { offlineAfterMs } from './online-devices.ts'
import type { TrackerActor } from './tracker-parts.ts'

export const presenceActor: TrackerActor =
  ({ connections, online }) =>
  ({ sendBack }) => {
    const subscription = connections.shoal.subscribe(anyPresence, {
      callback: (error, message) => {
        if (error) return sendBack({ type: 'part.failed', part: 'presence', error })
        const address = addressOf(message.subject)
        const heartbeat = readJson(message.data, heartbeatSchema)
        if (!heartbeat || !address || !isId(address.user) || !isDeviceId(address.device)) return
        online.noteHeartbeat(address, hostIn(message.subject), heartbeat)
      },
    })
    const sweep = setInterval(online.forgetSilent, offlineAfterMs)
    return () => {
      clearInterval(sweep)
      subscription.unsubscribe()
    }
  }
