// Takes things one a turn of the event loop, in order, so that a flood of them delays whatever else the process does by
// one of them at most. What nobody waits for any more is never begun, nor is what comes when too many wait already.

export interface QueueLimits {
  readonly mostWaiting: number
  /** Whoever asked has given up by then. */
  readonly waitMostMs: number
}

/** What it returns puts one more into the line. */
export function createPacedQueue<T>(
  { mostWaiting, waitMostMs }: QueueLimits,
  take: (item: T) => void,
  now: () => number = () => performance.now(),
): (item: T) => void {
  const line: { readonly item: T; readonly atMs: number }[] = []
  const step = () => {
    while (line[0] && now() - line[0].atMs > waitMostMs) line.shift()
    const next = line.shift()
    if (line.length > 0) setImmediate(step)
    if (next) take(next.item)
  }
  return item => {
    if (line.length >= mostWaiting) return
    line.push({ item, atMs: now() })
    if (line.length === 1) setImmediate(step)
  }
}
