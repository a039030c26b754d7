// A cap on bytes a second: tokens accrue at that rate, up to `burstBytes`. Always: over any stretch of time no more is
// taken than rate x time + burst. Time is handed in, in ms, and never goes back.

export interface Cap {
  readonly bytesPerSecond: number
  /** What may pass at once after a pause; nothing larger can be taken in one go. */
  readonly burstBytes: number
}

export interface TokenBucket {
  /** Time until `bytes` may be taken if nothing else is; 0: now. Throws a RangeError for more than the burst. */
  waitMs(bytes: number, nowMs: number): number
  /** Throws a RangeError when they may not be taken yet. */
  take(bytes: number, nowMs: number): void
  /** Applies from now on; tokens from the earlier cap stay, as far as they fit. */
  change(cap: Cap, nowMs: number): void
}

/** Differences below this come from arithmetic with fractions. */
const rounding = 1e-6

/** Begins full. */
export function createTokenBucket(cap: Cap, nowMs: number): TokenBucket {
  let { bytesPerSecond, burstBytes } = cap
  let tokens = burstBytes
  let countedMs = nowMs

  const fill = (nowMs: number) => {
    tokens = Math.min(burstBytes, tokens + ((nowMs - countedMs) * bytesPerSecond) / 1000)
    countedMs = nowMs
  }

  return {
    waitMs(bytes, nowMs) {
      if (bytes > burstBytes) throw new RangeError(`${bytes} bytes never pass a bucket of ${burstBytes}`)
      fill(nowMs)
      return bytes <= tokens + rounding ? 0 : ((bytes - tokens) * 1000) / bytesPerSecond
    },
    take(bytes, nowMs) {
      fill(nowMs)
      if (bytes > tokens + rounding) throw new RangeError(`${bytes} bytes are more than the ${tokens} that may pass`)
      tokens -= bytes
    },
    change(cap, nowMs) {
      fill(nowMs)
      ;({ bytesPerSecond, burstBytes } = cap)
      tokens = Math.min(burstBytes, tokens)
    },
  }
}
