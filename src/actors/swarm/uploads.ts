// The uploads machine with its peer listener and upload sessions provided: what an agent's session starts. Between being
// let in and being served, a connection waits in a table that the two share; the machine knows it by its id alone.

import type { TLSSocket } from 'node:tls'
import { uploadsMachine } from '../../machines/uploads.ts'
import { createPeerListener, type PeerListenerNeeds } from './peer-listener.ts'
import { createUploadSession, type UploadSessionNeeds } from './upload-session.ts'
import { createUploadSlots } from './upload-slots.ts'

export type UploadsNeeds = Omit<PeerListenerNeeds, 'waiting'> & Pick<UploadSessionNeeds, 'throttle' | 'settings'>

export function provideUploads(needs: UploadsNeeds): typeof uploadsMachine {
  const waiting = new Map<string, TLSSocket>()
  const takeSocket = (id: string): TLSSocket => {
    const socket = waiting.get(id)
    if (!socket) throw new Error('this peer has left')
    waiting.delete(id)
    return socket
  }
  const { throttle, settings } = needs
  return uploadsMachine.provide({
    actors: {
      peerListener: createPeerListener({ ...needs, waiting }),
      uploadSession: createUploadSession({ takeSocket, slots: createUploadSlots(), throttle, settings }),
    },
  })
}
