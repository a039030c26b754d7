// Polices traffic by its source: what stays within one rate is admitted, what exceeds it is dropped, and a source that
// exceeds a second, far higher rate is to be cut off (like RFC 2698's two-rate marker: green, yellow, red). Rates are of
// messages and of bytes. Dropped messages use up only the second rate, so a source that slows down is admitted again.
// Memory is bounded. Time is handed in, in ms.

import { RecentMap } from './recent-map.ts'

/** `burst` after a quiet while, then `perSecond`. */
export interface Rate {
  readonly burst: number
  readonly perSecond: number
}

export interface Traffic {
  readonly messages: Rate
  readonly bytes: Rate
}

export interface PolicerLimits {
  readonly admitted: Traffic
  /** Beyond it a source is cut off. Counts dropped messages, too. */
  readonly tolerated: Traffic
  /** A larger message cuts its source off by itself. */
  readonly largestBytes: number
}

export type Verdict = 'admit' | 'drop' | 'cut-off'

export interface Policer {
  /** Counts a message. Over any stretch of time, a source is admitted at most burst + rate x time. */
  judge(source: string, bytes: number, nowMs: number): Verdict
  /** Counts what an admitted message cost, such as the bytes of its answer: later messages wait for it. */
  charge(source: string, bytes: number, nowMs: number): void
  /** What was charged exceeds the burst of bytes: work that was admitted earlier has to wait, too. */
  isOverdrawn(source: string, nowMs: number): boolean
}

/** When each allowance is whole again, if nothing more comes; 0 at first. */
interface Uses {
  messages: number
  bytes: number
}

const isWithin = (wholeAtMs: number, amount: number, { burst, perSecond }: Rate, nowMs: number) =>
  (Math.max(0, wholeAtMs - nowMs) * perSecond) / 1000 + amount <= burst

const fits = (uses: Uses, { messages, bytes }: Traffic, size: number, nowMs: number) =>
  isWithin(uses.messages, 1, messages, nowMs) && isWithin(uses.bytes, size, bytes, nowMs)

const later = (wholeAtMs: number, amount: number, { perSecond }: Rate, nowMs: number) =>
  Math.max(wholeAtMs, nowMs) + (amount * 1000) / perSecond

function use(uses: Uses, traffic: Traffic, messages: number, bytes: number, nowMs: number): void {
  uses.messages = later(uses.messages, messages, traffic.messages, nowMs)
  uses.bytes = later(uses.bytes, bytes, traffic.bytes, nowMs)
}

/** `rememberedSources`: beyond it the source that has been silent longest is forgotten. */
export function createPolicer(
  { admitted, tolerated, largestBytes }: PolicerLimits,
  rememberedSources: number,
): Policer {
  const known = new RecentMap<string, { readonly admitted: Uses; readonly tolerated: Uses }>(rememberedSources)
  const usesOf = (source: string) => {
    const uses = known.get(source) ?? { admitted: { messages: 0, bytes: 0 }, tolerated: { messages: 0, bytes: 0 } }
    known.set(source, uses)
    return uses
  }
  return {
    judge(source, bytes, nowMs) {
      const uses = usesOf(source)
      if (bytes > largestBytes || !fits(uses.tolerated, tolerated, bytes, nowMs)) return 'cut-off'
      use(uses.tolerated, tolerated, 1, bytes, nowMs)
      if (!fits(uses.admitted, admitted, bytes, nowMs)) return 'drop'
      use(uses.admitted, admitted, 1, bytes, nowMs)
      return 'admit'
    },
    charge: (source, bytes, nowMs) => use(usesOf(source).admitted, admitted, 0, bytes, nowMs),
    isOverdrawn: (source, nowMs) => !isWithin(usesOf(source).admitted.bytes, 0, admitted.bytes, nowMs),
  }
}

/** Limits for `times` sources together. */
export function scaled({ admitted, tolerated, largestBytes }: PolicerLimits, times: number): PolicerLimits {
  const rate = ({ burst, perSecond }: Rate): Rate => ({ burst: burst * times, perSecond: perSecond * times })
  const traffic = ({ messages, bytes }: Traffic): Traffic => ({ messages: rate(messages), bytes: rate(bytes) })
  return { admitted: traffic(admitted), tolerated: traffic(tolerated), largestBytes }
}
