// Devices that were let in, and whose use the log does not say yet: it is recorded rarely, and not while a device waits to
// be let in. Soft state of one tracker: what it forgets is noted when the device logs in again, six hours later at most.

import { deviceTunables } from '../../../config/tracker.ts'
import { type DeviceRef, deviceKey } from '../../domain/device-ref.ts'
import { RecentMap } from '../../domain/recent-map.ts'
import type { Projection } from '../../storage/projection.ts'

export interface DeviceUse {
  note(device: DeviceRef): void
  /** Those noted since the last call, whose use is to be recorded. */
  take(): DeviceRef[]
}

export function createDeviceUse(
  projection: Pick<Projection, 'usedAt'>,
  { recordUseEveryMs, remembered }: { recordUseEveryMs: number; remembered: number } = deviceTunables,
  now: () => number = Date.now,
): DeviceUse {
  const noted = new RecentMap<string, DeviceRef>(remembered)
  return {
    note({ user, device }) {
      const used = projection.usedAt({ user, device })
      if (used !== undefined && now() - used >= recordUseEveryMs)
        noted.set(deviceKey({ user, device }), { user, device })
    },
    take() {
      const devices = [...noted.values()]
      noted.clear()
      return devices
    },
  }
}
