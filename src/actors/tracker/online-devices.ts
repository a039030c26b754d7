// Which devices are online: those with a recent heartbeat. Soft state of one tracker; another one may briefly differ. Asked for
// with every sharer of a file and every login, so devices are also filed by person and by what they fetch.

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

interface Known extends OnlineDevice {
  readonly heardAt: number
}

export const offlineAfterMs = presenceTunables.heartbeatEveryMs * presenceTunables.missedHeartbeats

export class OnlineDevices {
  readonly #now: () => number
  readonly #clock: () => number
  readonly #known = new Map<string, Known>()
  readonly #ofUser = new KeysBy()
  readonly #fetching = new KeysBy()
  readonly #seen = new RecentMap<string, number>(deviceTunables.remembered)

  /** `now` in ms, from any fixed moment on; `clock` in ms since 1970. */
  constructor(now: () => number = () => performance.now(), clock: () => number = Date.now) {
    this.#now = now
    this.#clock = clock
  }

  noteHeartbeat({ user, device }: DeviceRef, host: string, heartbeat: Heartbeat): void {
    const key = deviceKey({ user, device })
    this.#seen.set(key, this.#clock())
    if (heartbeat.state === 'leaving') {
      this.#forget(key)
      return
    }
    const { port, fetching } = heartbeat
    const before = this.#known.get(key)
    if (!before) this.#ofUser.add(user, key)
    this.#known.set(key, { user, device, host, port, fetching, heardAt: this.#now() })
    for (const share of before?.fetching ?? []) this.#fetching.drop(share, key)
    for (const share of fetching) this.#fetching.add(share, key)
  }

  find(device: DeviceRef): OnlineDevice | undefined {
    return this.#fresh([deviceKey(device)])[0]
  }

  /** When it was last heard, ms since 1970; undefined if that was before this tracker started, or too long ago. */
  seenAt(device: DeviceRef): number | undefined {
    return this.#seen.get(deviceKey(device))
  }

  all(): OnlineDevice[] {
    return this.#fresh(this.#known.keys())
  }

  of(user: string): OnlineDevice[] {
    return this.#fresh(this.#ofUser.get(user))
  }

  /** Those that download this share. */
  fetching(share: string): OnlineDevice[] {
    return this.#fresh(this.#fetching.get(share))
  }

  /** Whether one of this person's devices is online at that origin. */
  isAt(user: string, origin: string): boolean {
    return this.of(user).some(({ host }) => originOf(host) === origin)
  }

  forgetSilent(): void {
    for (const [key, device] of this.#known) if (!this.#isFresh(device)) this.#forget(key)
  }

  #isFresh({ heardAt }: Known): boolean {
    return this.#now() - heardAt <= offlineAfterMs
  }

  #fresh(keys: Iterable<string>): Known[] {
    return [...keys].map(key => this.#known.get(key)!).filter(device => device && this.#isFresh(device))
  }

  #forget(key: string): void {
    const device = this.#known.get(key)
    if (!device) return
    this.#known.delete(key)
    this.#ofUser.drop(device.user, key)
    for (const share of device.fetching) this.#fetching.drop(share, key)
  }
}

/** Device keys filed under something that devices have in common. */
class KeysBy {
  readonly #keys = new Map<string, Set<string>>()

  get(common: string): Iterable<string> {
    return this.#keys.get(common) ?? []
  }

  add(common: string, key: string): void {
    const keys = this.#keys.get(common)
    if (keys) keys.add(key)
    else this.#keys.set(common, new Set([key]))
  }

  drop(common: string, key: string): void {
    const keys = this.#keys.get(common)
    keys?.delete(key)
    if (keys?.size === 0) this.#keys.delete(common)
  }
}
