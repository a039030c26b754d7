// A cap on bytes a second: bytes may be taken as they come in at that rate, and up to `burstBytes` that were not taken
// earlier. Always: over any stretch of time no more is taken than rate x time + burst. Time is handed in, in ms, and
// never goes back.

export interface Cap {
  readonly bytesPerSecond: number
  /** What may pass at once after a quiet while; nothing larger can be taken in one go. */
  readonly burstBytes: number
}

export interface TokenBucket {
  /** How long until `bytes` may be taken, if nobody else takes any; 0 when they may be now. */
  waitMs(bytes: number, nowMs: number): number
  /** Throws a RangeError when they may not be taken yet. */
  take(bytes: number, nowMs: number): void
  /** From now on; what came in under the earlier cap stays, as far as it fits. */
  change(cap: Cap, nowMs: number): void
}

/** A difference that comes of reckoning with fractions, and of no byte. */
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
