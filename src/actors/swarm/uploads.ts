// The serving desk with its front door and server links provided: what an agent's session starts. Between being let in
// and being served, a connection waits in a table that the two share; the machine knows it by its id alone.

import type { TLSSocket } from 'node:tls'
import { uploadsMachine } from '../../machines/uploads.ts'
import { createPeerListener, type PeerListenerNeeds } from './peer-listener.ts'
import type { Throttle } from './throttle.ts'
import { createUploadSession } from './upload-session.ts'
import { createUploadSlots } from './upload-slots.ts'

export interface UploadsNeeds extends Omit<PeerListenerNeeds, 'waiting'> {
  readonly idleAfterMs?: number
  /** This device's upload cap, over all links; none when left out. */
  readonly throttle?: Throttle
}

export function provideUploads(needs: UploadsNeeds): typeof uploadsMachine {
  const waiting = new Map<string, TLSSocket>()
  const take = (id: string): TLSSocket => {
    const socket = waiting.get(id)
    if (!socket) throw new Error('this guest has left')
    waiting.delete(id)
    return socket
  }
  return uploadsMachine.provide({
    actors: {
      peerListener: createPeerListener({ ...needs, waiting }),
      uploadSession: createUploadSession(take, createUploadSlots(), needs.idleAfterMs, needs.throttle),
    },
  })
}
