// Works off items in order, one per turn of the event loop, so that a flood of them delays other work by one item at most.
// Drops items that waited too long for anybody to want the answer, and those that come while too many wait.

export interface QueueLimits {
  readonly mostWaiting: number
  /** By then the asker has given up. */
  readonly waitMostMs: number
}

/** Returns the function that enqueues an item. `now` in ms. */
export function createPacedQueue<T>(
  { mostWaiting, waitMostMs }: QueueLimits,
  take: (item: T) => void,
  now: () => number = () => performance.now(),
): (item: T) => void {
  const queue: { readonly item: T; readonly atMs: number }[] = []
  const step = () => {
    while (queue[0] && now() - queue[0].atMs > waitMostMs) queue.shift()
    const next = queue.shift()
    if (queue.length > 0) setImmediate(step)
    if (next) take(next.item)
  }
  return item => {
    if (queue.length >= mostWaiting) return
    queue.push({ item, atMs: now() })
    if (queue.length === 1) setImmediate(step)
  }
}
