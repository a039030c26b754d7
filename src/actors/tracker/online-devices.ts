// Which devices are online: those with a recent heartbeat. Soft state of one tracker; another one may briefly differ.

import { presenceTunables } from '../../../config/client.ts'
import { deviceTunables } from '../../../config/tracker.ts'
import { type DeviceRef, deviceKey } from '../../domain/device-ref.ts'
import { originOf } from '../../domain/origin.ts'
import { RecentMap } from '../../domain/recent-map.ts'
import type { Heartbeat } from '../../wire/heartbeat.ts'

export interface OnlineDevice extends DeviceRef {
  /** The address that the broker saw. */
  readonly host: string
  readonly port: number
  /** Share ids of its running downloads. */
  readonly fetching: readonly string[]
}

export interface OnlineDevices {
  noteHeartbeat(device: DeviceRef, host: string, heartbeat: Heartbeat): void
  find(device: DeviceRef): OnlineDevice | undefined
  /** When it was last heard, ms since 1970; undefined if that was before this tracker started, or too long ago. */
  seenAt(device: DeviceRef): number | undefined
  all(): OnlineDevice[]
  /** Whether one of this person's devices is online at that origin. */
  isAt(user: string, origin: string): boolean
  forgetSilent(): void
}

export const offlineAfterMs = presenceTunables.heartbeatEveryMs * presenceTunables.missedHeartbeats

/** `now` in ms, from any fixed moment on; `clock` in ms since 1970. */
export function createOnlineDevices(
  now: () => number = () => performance.now(),
  clock: () => number = Date.now,
): OnlineDevices {
  const known = new Map<string, OnlineDevice & { readonly heardAt: number }>()
  const seen = new RecentMap<string, number>(deviceTunables.remembered)
  const isFresh = ({ heardAt }: { heardAt: number }) => now() - heardAt <= offlineAfterMs
  return {
    noteHeartbeat({ user, device }, host, heartbeat) {
      const key = deviceKey({ user, device })
      seen.set(key, clock())
      if (heartbeat.state === 'leaving') known.delete(key)
      else known.set(key, { user, device, host, port: heartbeat.port, fetching: heartbeat.fetching, heardAt: now() })
    },
    find(device) {
      const found = known.get(deviceKey(device))
      return found && isFresh(found) ? found : undefined
    },
    seenAt: device => seen.get(deviceKey(device)),
    all: () => [...known.values()].filter(isFresh),
    isAt: (user, origin) =>
      [...known.values()].some(device => device.user === user && isFresh(device) && originOf(device.host) === origin),
    forgetSilent() {
      for (const [key, device] of known) if (!isFresh(device)) known.delete(key)
    },
  }
}
