// One cap on bytes a second for all links of a device in one direction, and whose turn it is under it. Without a cap
// nobody needs to ask: `isCapped` is all that a link looks at. Who waits is never forgotten, and is let through at once
// when the cap is lifted; a link that has ended meanwhile uses nothing of its turn.

import { limitTunables, peerTunables } from '../../../config/swarm.ts'
import { createFairQueue } from '../../domain/fair-queue.ts'
import { type Cap, createTokenBucket, type TokenBucket } from '../../domain/token-bucket.ts'

export interface Claim {
  /** Those of one key share a turn. */
  readonly key: string
  /** It goes on with a piece, rather than beginning one. */
  readonly isBegun?: boolean
  /** Called once, perhaps at once: up to `peerTunables.blockBytes` may pass now. Returns how many do. */
  use(): number
}

export interface Throttle {
  readonly isCapped: boolean
  /** Undefined without a cap. */
  readonly bytesPerSecond: number | undefined
  claim(claim: Claim): void
}

export interface DeviceThrottle extends Throttle {
  /** From now on, for what is under way too; undefined lifts the cap. */
  limit(bytesPerSecond: number | undefined): void
}

export interface ThrottleClock {
  /** ms; never goes back. */
  now(): number
  setTimeout(run: () => void, ms: number): unknown
  clearTimeout(timer: unknown): void
}

const realClock: ThrottleClock = {
  now: () => performance.now(),
  setTimeout: (run, ms) => setTimeout(run, ms).unref(),
  clearTimeout: timer => clearTimeout(timer as NodeJS.Timeout),
}

export const capOf = (bytesPerSecond: number): Cap => ({
  bytesPerSecond,
  burstBytes: Math.max(peerTunables.blockBytes, (bytesPerSecond * limitTunables.burstMs) / 1000),
})

export function createThrottle(clock: ThrottleClock = realClock): DeviceThrottle {
  const turns = createFairQueue<Claim>()
  let bucket: TokenBucket | undefined
  let cap: number | undefined
  let isServing = false
  let timer: unknown

  const mayPassNow = (): boolean => {
    const waitMs = bucket?.waitMs(peerTunables.blockBytes, clock.now()) ?? 0
    if (waitMs === 0) return true
    timer = clock.setTimeout(serve, Math.ceil(waitMs))
    return false
  }

  const serve = () => {
    // What joins while another has its turn is met by the loop that gave it that turn.
    if (isServing) return
    isServing = true
    // The wait may have become shorter: the cap has changed.
    clock.clearTimeout(timer)
    try {
      while (turns.next() && mayPassNow())
        turns.serve(claim => {
          const bytes = claim.use()
          bucket?.take(bytes, clock.now())
          return bytes
        })
    } finally {
      isServing = false
    }
  }

  return {
    get isCapped() {
      return bucket !== undefined
    },
    get bytesPerSecond() {
      return cap
    },
    claim(claim) {
      turns.join(claim.key, claim, claim.isBegun ?? false)
      serve()
    },
    limit(bytesPerSecond) {
      cap = bytesPerSecond
      if (bytesPerSecond === undefined) bucket = undefined
      else if (bucket) bucket.change(capOf(bytesPerSecond), clock.now())
      else bucket = createTokenBucket(capOf(bytesPerSecond), clock.now())
      serve()
    },
  }
}

/** Resolves at the turn of `key` to what `take` hands over then: one block, or none. */
export const claimBlock = <Block extends { readonly length: number }>(
  throttle: Throttle,
  key: string,
  take: () => Block | undefined,
): Promise<Block | undefined> =>
  new Promise(resolve =>
    throttle.claim({
      key,
      use() {
        const block = take()
        resolve(block)
        return block?.length ?? 0
      },
    }),
  )
