// The serving desk with its front door and server links provided: what an agent's session starts. Between being let in
// and being served, a connection waits in a table that the two share; the machine knows it by its id alone.

import type { TLSSocket } from 'node:tls'
import { servingDeskMachine } from '../../machines/serving-desk.ts'
import { createFrontDoor, type FrontDoorNeeds } from './front-door.ts'
import { createServerLink } from './server-link.ts'
import type { Throttle } from './throttle.ts'
import { createUploadTurns } from './upload-turns.ts'

export interface ServingDeskNeeds extends Omit<FrontDoorNeeds, 'waiting'> {
  readonly idleAfterMs?: number
  /** This device's upload cap, over all links; none when left out. */
  readonly throttle?: Throttle
}

export function provideServingDesk(needs: ServingDeskNeeds): typeof servingDeskMachine {
  const waiting = new Map<string, TLSSocket>()
  const take = (id: string): TLSSocket => {
    const socket = waiting.get(id)
    if (!socket) throw new Error('this guest has left')
    waiting.delete(id)
    return socket
  }
  return servingDeskMachine.provide({
    actors: {
      frontDoor: createFrontDoor({ ...needs, waiting }),
      serverLink: createServerLink(take, createUploadTurns(), needs.idleAfterMs, needs.throttle),
    },
  })
}
