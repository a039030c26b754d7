// Buffers used over and over, by their exact length: memory that is fresh each time costs a page fault every 4 KiB and
// a garbage collection every few pieces. Who gives a buffer back keeps nothing of it; one that is never given back is
// collected like any other, so forgetting to is no leak.

export interface BufferPool {
  /** What is in it is left over from before. */
  take(bytes: number): Buffer
  give(buffer: Buffer): void
}

/** Keeps at most `keptBytes` for later. */
export function createBufferPool(keptBytes: number): BufferPool {
  const free = new Map<number, Buffer[]>()
  let freeBytes = 0
  return {
    take(bytes) {
      const buffer = free.get(bytes)?.pop()
      if (!buffer) return Buffer.allocUnsafeSlow(bytes)
      freeBytes -= bytes
      return buffer
    },
    give(buffer) {
      if (freeBytes + buffer.length > keptBytes) return
      const same = free.get(buffer.length)
      if (same) same.push(buffer)
      else free.set(buffer.length, [buffer])
      freeBytes += buffer.length
    },
  }
}
