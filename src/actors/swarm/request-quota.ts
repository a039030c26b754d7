// Whether one peer that is served asks for a reason: what it asks for costs us reads, encryption and answers, and is paid
// for by blocks that it takes. An honest peer asks for whole blocks and cancels a few at a download's end; one that asks
// for crumbs, or only to cancel, is a FrameError before it has cost much. Does no I/O.

import { peerTunables, uploadTunables } from '../../../config/swarm.ts'
import { FrameError } from '../../wire/frames.ts'

export interface RequestQuota {
  /** Throws a FrameError when it asked for too much that it took too little of. */
  requested(): void
  /** Throws a FrameError when nothing is left that it could mean. */
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
      if (requests > uploadTunables.maxUnearnedRequests + earned) throw new FrameError('it asks for crumbs')
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
