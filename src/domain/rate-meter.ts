// Bytes a second, smoothed over a sliding window: quick to follow a change, calm enough to read. Time is handed in.

/** Long enough that a display stands still, short enough that a lost peer shows. */
const windowMs = 5_000
const slotMs = 250

export interface RateMeter {
  add(bytes: number, nowMs: number): void
  bytesPerSecond(nowMs: number): number
}

export function createRateMeter(): RateMeter {
  let slots: { readonly startMs: number; bytes: number }[] = []
  let firstMs: number | undefined
  return {
    add(bytes, nowMs) {
      firstMs ??= nowMs
      const last = slots.at(-1)
      if (last && nowMs - last.startMs < slotMs) last.bytes += bytes
      else slots.push({ startMs: nowMs, bytes })
      slots = slots.filter(slot => nowMs - slot.startMs < windowMs)
    },
    bytesPerSecond(nowMs) {
      if (firstMs === undefined) return 0
      const bytes = slots.reduce((sum, slot) => (nowMs - slot.startMs < windowMs ? sum + slot.bytes : sum), 0)
      // Before the window has passed once, what came is spread over the time there was, a second at least.
      const spanMs = Math.min(windowMs, Math.max(1_000, nowMs - firstMs))
      return (bytes * 1000) / spanMs
    },
  }
}
