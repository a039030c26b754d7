// Bytes a second over a sliding window: quick to follow a change, calm enough to read. The caller passes the time.

/** Long enough for a steady display, short enough to show that a peer was lost. */
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
      // Until the window has passed once, the bytes are spread over the time so far, but at least a second.
      const spanMs = Math.min(windowMs, Math.max(1_000, nowMs - firstMs))
      return (bytes * 1000) / spanMs
    },
  }
}
