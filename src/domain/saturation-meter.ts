// How much of the last seconds something was full, from moments at which it became so and stopped being so. Time is
// handed in.

const windowMs = 5_000

export interface SaturationMeter {
  note(isFull: boolean, nowMs: number): void
  /** 0 to 1, of the last five seconds. */
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
