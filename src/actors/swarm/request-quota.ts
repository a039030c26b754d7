// Bounds what one peer may request for what it takes. Each request costs us a read, encryption and an answer; blocks that
// the peer takes pay for them. An honest peer requests whole blocks and cancels a few at a download's end. One that
// requests a byte at a time, or only to cancel, gets a FrameError before it has cost much. Does no I/O.

import { peerTunables, uploadTunables } from '../../../config/swarm.ts'
import { FrameError } from '../../wire/frames.ts'

export interface RequestQuota {
  /** Throws a FrameError when it has requested too much for what it has taken. */
  requested(): void
  /** Throws a FrameError when it has cancelled more than it requested. */
  cancelled(): void
  served(bytes: number): void
}

export function createRequestQuota(): RequestQuota {
  let requests = 0
  let cancels = 0
  let servedBytes = 0
  return {
    requested() {
      requests += 1
      const earned = (servedBytes / peerTunables.blockBytes) * uploadTunables.requestsPerBlock
      if (requests > uploadTunables.maxUnearnedRequests + earned)
        throw new FrameError('too many requests for what it takes')
    },
    cancelled() {
      cancels += 1
      if (cancels > requests) throw new FrameError('it cancels what it has not asked for')
    },
    served(bytes) {
      servedBytes += bytes
    },
  }
}
