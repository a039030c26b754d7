// How much of the log somebody may fill. The log keeps everything, and its room is bounded: whoever writes without end
// is slowed, and so are all together, before there is no room for the log-out or the removal of anybody. Counted is what
// stands in the log, so all who read it count alike; what somebody ends is never refused. Always: over any stretch of
// time a user adds no more than burst + rate x time, and one record more. Time is handed in, in ms.

import { RecentMap } from './recent-map.ts'

/** So many bytes at once after a quiet while, and then at that rate. */
export interface Allowance {
  readonly burstBytes: number
  readonly bytesPerSecond: number
}

export interface WriteLimits {
  readonly perUser: Allowance
  /** `keptBytes` beyond it are for those who have used less than `littleBytes` of their own. */
  readonly total: Allowance & { readonly keptBytes: number; readonly littleBytes: number }
}

export interface WriteAllowance {
  /** It stands in the log since then. */
  note(user: string, bytes: number, atMs: number): void
  /** 0: the user may add to the log now; otherwise how long until that, if nobody else adds anything. */
  waitMs(user: string, nowMs: number): number
}

/** `rememberedUsers`: beyond it the one who wrote longest ago is forgotten. */
export function createWriteAllowance({ perUser, total }: WriteLimits, rememberedUsers: number): WriteAllowance {
  /** When each user's allowance is whole again, if nothing more is added. */
  const wholeFrom = new RecentMap<string, number>(rememberedUsers)
  let totalWholeFrom = 0

  const later = (from: number, { bytesPerSecond }: Allowance, bytes: number, atMs: number) =>
    Math.max(from, atMs) + (bytes * 1000) / bytesPerSecond
  const usedBytes = (from: number, { bytesPerSecond }: Allowance, nowMs: number) =>
    (Math.max(0, from - nowMs) * bytesPerSecond) / 1000
  const wait = (usedBytes: number, burstBytes: number, { bytesPerSecond }: Allowance) =>
    usedBytes < burstBytes ? 0 : ((usedBytes - burstBytes) * 1000) / bytesPerSecond + 1

  return {
    note(user, bytes, atMs) {
      wholeFrom.set(user, later(wholeFrom.get(user) ?? 0, perUser, bytes, atMs))
      totalWholeFrom = later(totalWholeFrom, total, bytes, atMs)
    },
    waitMs(user, nowMs) {
      const own = usedBytes(wholeFrom.get(user) ?? 0, perUser, nowMs)
      const kept = own < total.littleBytes ? total.keptBytes : 0
      const all = usedBytes(totalWholeFrom, total, nowMs)
      return Math.max(wait(own, perUser.burstBytes, perUser), wait(all, total.burstBytes + kept, total))
    },
  }
}
