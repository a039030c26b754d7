// Buffers that are reused, by exact length: fresh memory costs a page fault every 4 KiB and a garbage collection every few
// pieces. After giving a buffer back, keep no view of it. A buffer that is never given back is collected like any other.

export interface BufferPool {
  /** Contains arbitrary bytes. */
  take(bytes: number): Buffer
  give(buffer: Buffer): void
}

/** Keeps at most `keptBytes` for reuse. */
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
