// The share of the last seconds in which something was full, from the moments at which it became full and stopped being full.
// The caller passes the time.

const windowMs = 5_000

export interface SaturationMeter {
  note(isFull: boolean, nowMs: number): void
  /** 0 to 1, over the last five seconds. */
  share(nowMs: number): number
}

export function createSaturationMeter(): SaturationMeter {
  let spans: { readonly fromMs: number; readonly toMs: number }[] = []
  let sinceMs: number | undefined
  return {
    note(isFull, nowMs) {
      if (isFull) sinceMs ??= nowMs
      else if (sinceMs !== undefined) {
        spans = [...spans.filter(({ toMs }) => nowMs - toMs < windowMs), { fromMs: sinceMs, toMs: nowMs }]
        sinceMs = undefined
      }
    },
    share(nowMs) {
      const all = sinceMs === undefined ? spans : [...spans, { fromMs: sinceMs, toMs: nowMs }]
      const fullMs = all.reduce(
        (sum, { fromMs, toMs }) => sum + Math.max(0, toMs - Math.max(fromMs, nowMs - windowMs)),
        0,
      )
      return fullMs / windowMs
    },
  }
}
