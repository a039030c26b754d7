// The queue for hashing passwords, which is dear: few at once, so that a flood of them leaves the machine to the brokers
// and to everything else trackers do; origins take turns, so that nobody's many hold up another one's one. When too many
// wait, the last of whoever has most gives way. What waited longer than anybody waits for an answer is never begun.

import { passwordTunables } from '../../../config/tracker.ts'
import { createFairQueue } from '../../domain/fair-queue.ts'

export interface PasswordQueue {
  /** Undefined when it came to nothing, because too many want the same. Rejects as `hash` does. */
  run<T>(origin: string, hash: () => Promise<T>): Promise<T | undefined>
}

interface Claim {
  readonly origin: string
  readonly atMs: number
  begin(): Promise<void>
  giveUp(): void
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
  const turns = createFairQueue<Claim>()
  /** Those in the line whose turn is still worth something, in the order they came. */
  const waiting = new Set<Claim>()
  let running = 0

  const startNext = () => {
    while (running < atOnce && turns.next())
      turns.serve(claim => {
        if (!waiting.delete(claim)) return 0
        if (now() - claim.atMs > waitMostMs) {
          claim.giveUp()
          return 0
        }
        running += 1
        void claim.begin().finally(() => {
          running -= 1
          startNext()
        })
        return 1
      })
  }

  /** False when nobody has more waiting than this origin would have. */
  const makeRoomFor = (origin: string): boolean => {
    if (waiting.size < mostWaiting) return true
    const byOrigin = Map.groupBy(waiting, claim => claim.origin)
    const most = [...byOrigin.values()].reduce((a, b) => (b.length > a.length ? b : a))
    const last = most.at(-1)
    if (!last || most.length <= (byOrigin.get(origin)?.length ?? 0) + 1) return false
    waiting.delete(last)
    last.giveUp()
    return true
  }

  return {
    run<T>(origin: string, hash: () => Promise<T>) {
      if (!makeRoomFor(origin)) return Promise.resolve(undefined)
      const { promise, resolve, reject } = Promise.withResolvers<T | undefined>()
      const claim: Claim = {
        origin,
        atMs: now(),
        begin: () => hash().then(resolve, reject),
        giveUp: () => resolve(undefined),
      }
      waiting.add(claim)
      turns.join(origin, claim, false)
      startNext()
      return promise
    },
  }
}
