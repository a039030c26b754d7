// Keeps the table of online devices from their heartbeats. The address in a heartbeat's subject is the one that the broker
// saw, pinned by the device's permissions, so no device can direct downloads to another host.

import { heartbeatSchema } from '../../wire/heartbeat.ts'
import { readJson } from '../../wire/json.ts'
import { addressOf, anyPresence, hostIn } from '../../wire/subjects.ts'
import { sourceOfDevice } from './message-source.ts'
import { offlineAfterMs } from './online-devices.ts'
import type { TrackerActor } from './tracker-parts.ts'

export const presenceActor: TrackerActor =
  ({ connections, online, load }) =>
  ({ sendBack }) => {
    const subscription = connections.presence.subscribe(anyPresence, {
      callback: (error, message) => {
        if (error) return sendBack({ type: 'part.failed', part: 'presence', error })
        const source = sourceOfDevice(message.subject)
        if (!source || !load.admits('presence', source, message.data.length)) return
        const address = addressOf(message.subject)
        const heartbeat = readJson(message.data, heartbeatSchema)
        if (heartbeat && address) online.noteHeartbeat(address, hostIn(message.subject), heartbeat)
      },
    })
    const sweep = setInterval(() => online.forgetSilent(), offlineAfterMs)
    return () => {
      clearInterval(sweep)
      subscription.unsubscribe()
    }
  }
