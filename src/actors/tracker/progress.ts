// How far a tracker has applied the log, and waiting until it has come far enough. Only grows.

export interface Progress {
  readonly applied: number
  advance(applied: number): void
  /** True once `seq` is applied; false if that takes longer than `withinMs`. */
  reached(seq: number, withinMs: number): Promise<boolean>
}

export function createProgress(from: number): Progress {
  let applied = from
  const waiting = new Set<{ readonly seq: number; readonly wake: () => void }>()
  return {
    get applied() {
      return applied
    },
    advance(to) {
      applied = Math.max(applied, to)
      for (const waiter of waiting) if (waiter.seq <= applied) waiter.wake()
    },
    reached(seq, withinMs) {
      if (seq <= applied) return Promise.resolve(true)
      return new Promise(resolve => {
        const end = (inTime: boolean) => {
          clearTimeout(timer)
          waiting.delete(waiter)
          resolve(inTime)
        }
        const waiter = { seq, wake: () => end(true) }
        const timer = setTimeout(end, withinMs, false)
        waiting.add(waiter)
      })
    },
  }
}
