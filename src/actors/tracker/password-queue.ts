// The queue for hashing passwords, which is expensive: few run at once, so that a flood of them leaves the machine to the
// brokers and to a tracker's other work. Origins are served in turn. When too many wait, the newest of the origin with the
// most is dropped. A job that waited longer than its asker does is never begun.

import { passwordTunables } from '../../../config/tracker.ts'
import { createFairQueue } from '../../domain/fair-queue.ts'

export interface PasswordQueue {
  /** Undefined if it was dropped because too many wait. Rejects as `hash` does. */
  run<T>(origin: string, hash: () => Promise<T>): Promise<T | undefined>
}

interface Job {
  readonly origin: string
  readonly atMs: number
  begin(): Promise<void>
  drop(): void
}

interface Limits {
  readonly atOnce: number
  readonly mostWaiting: number
  readonly waitMostMs: number
}

export function createPasswordQueue(
  { atOnce, mostWaiting, waitMostMs }: Limits = passwordTunables,
  now: () => number = () => performance.now(),
): PasswordQueue {
  const queue = createFairQueue<Job>()
  /** Jobs that were not dropped, in the order they came. */
  const waiting = new Set<Job>()
  let running = 0

  const startNext = () => {
    while (running < atOnce && queue.next())
      queue.serve(job => {
        if (!waiting.delete(job)) return 0
        if (now() - job.atMs > waitMostMs) {
          job.drop()
          return 0
        }
        running += 1
        void job.begin().finally(() => {
          running -= 1
          startNext()
        })
        return 1
      })
  }

  /** Drops another origin's job if needed; false if no origin has more waiting than this one would have. */
  const makeRoomFor = (origin: string): boolean => {
    if (waiting.size < mostWaiting) return true
    const byOrigin = Map.groupBy(waiting, job => job.origin)
    const most = [...byOrigin.values()].reduce((a, b) => (b.length > a.length ? b : a))
    const last = most.at(-1)
    if (!last || most.length <= (byOrigin.get(origin)?.length ?? 0) + 1) return false
    waiting.delete(last)
    last.drop()
    return true
  }

  return {
    run<T>(origin: string, hash: () => Promise<T>) {
      if (!makeRoomFor(origin)) return Promise.resolve(undefined)
      const { promise, resolve, reject } = Promise.withResolvers<T | undefined>()
      const job: Job = {
        origin,
        atMs: now(),
        begin: () => hash().then(resolve, reject),
        drop: () => resolve(undefined),
      }
      waiting.add(job)
      queue.join(origin, job, false)
      startNext()
      return promise
    },
  }
}
