// Works off items, one per turn of the event loop, so that a flood of them delays other work by one item at most. Items of
// one key are taken in order; keys take turns, so that one with many items delays another by one item as well. Drops items
// that waited too long for anybody to want the answer, and those that come while too many wait.

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
): (item: T, key?: string) => void {
  /** The key whose turn is next comes first; none is empty. */
  const lines = new Map<string, { readonly item: T; readonly atMs: number }[]>()
  let waiting = 0

  const shiftNext = () => {
    for (const [key, line] of lines) {
      const next = line.shift()
      waiting -= 1
      lines.delete(key)
      if (line.length > 0) lines.set(key, line)
      return next
    }
    return undefined
  }
  const step = () => {
    let next = shiftNext()
    while (next && now() - next.atMs > waitMostMs) next = shiftNext()
    if (waiting > 0) setImmediate(step)
    if (next) take(next.item)
  }
  return (item, key = '') => {
    if (waiting >= mostWaiting) return
    const line = lines.get(key)
    if (line) line.push({ item, atMs: now() })
    else lines.set(key, [{ item, atMs: now() }])
    waiting += 1
    if (waiting === 1) setImmediate(step)
  }
}
