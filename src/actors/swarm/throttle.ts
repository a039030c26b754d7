// A device's cap on bytes a second in one direction, shared fairly by all its sessions. A session claims each block before
// it passes; without a cap (`isCapped`) it claims nothing. No claim is lost: all pass at once when the cap is lifted, and
// a session that has ended meanwhile uses 0 bytes of its claim.

import { limitTunables, peerTunables } from '../../../config/swarm.ts'
import { createFairQueue } from '../../domain/fair-queue.ts'
import { type Cap, createTokenBucket, type TokenBucket } from '../../domain/token-bucket.ts'

export interface Claim {
  /** Claims with the same key share one queue. */
  readonly key: string
  /** Continues a piece rather than beginning one. */
  readonly isBegun?: boolean
  /** Called once, possibly right away: up to `peerTunables.blockBytes` may pass now. Returns how many bytes do. */
  use(): number
}

export interface Throttle {
  readonly isCapped: boolean
  /** Undefined without a cap. */
  readonly bytesPerSecond: number | undefined
  claim(claim: Claim): void
}

export interface DeviceThrottle extends Throttle {
  /** Takes effect at once; undefined lifts the cap. */
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
  const queue = createFairQueue<Claim>()
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
    // The loop below serves a claim that joins while another is served.
    if (isServing) return
    isServing = true
    // A changed cap may have made the wait shorter.
    clock.clearTimeout(timer)
    try {
      while (queue.next() && mayPassNow())
        queue.serve(claim => {
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
      queue.join(claim.key, claim, claim.isBegun ?? false)
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

/** Claims one block for `key`; resolves to what `take` returns once it may pass. */
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
