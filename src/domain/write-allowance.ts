// A rate limit on writes to the log, per user and in total. The log keeps everything and its room is bounded; the limit
// leaves room for logging out and removing members. It counts the entries of the log, so all trackers count alike. Over any
// stretch of time a user adds at most burst + rate x time, plus one record. Time is handed in, in ms.

import { RecentMap } from './recent-map.ts'

/** `burstBytes` after a quiet while, then `bytesPerSecond`. */
export interface Allowance {
  readonly burstBytes: number
  readonly bytesPerSecond: number
}

export interface WriteLimits {
  readonly perUser: Allowance
  /** Another `keptBytes` are reserved for users who have used less than `littleBytes` of their own. */
  readonly total: Allowance & { readonly keptBytes: number; readonly littleBytes: number }
}

export interface WriteAllowance {
  /** Counts an entry of the log that was written then. */
  note(user: string, bytes: number, atMs: number): void
  /** 0 if the user may write now. Otherwise the wait in ms, if no other user writes meanwhile. */
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
