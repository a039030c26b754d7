// Presence: hears every device's beats and keeps the table of who is online. The address in a beat's subject is the
// one the broker saw, pinned by the device's permissions, so nobody can send others' downloads to somebody else.

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
        const beat = readJson(message.data, heartbeatSchema)
        if (!beat || !address || !isId(address.user) || !isDeviceId(address.device)) return
        online.heard(address, hostIn(message.subject), beat)
      },
    })
    const sweep = setInterval(online.forgetSilent, offlineAfterMs)
    return () => {
      clearInterval(sweep)
      subscription.unsubscribe()
    }
  }
