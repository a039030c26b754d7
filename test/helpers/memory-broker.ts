// The three methods of a NATS connection that the relay uses, in memory and in order, with a say over what is delivered.

import type { Msg } from 'nats'
import type { RelayTransport } from '../../src/actors/swarm/relay.ts'

export interface MemoryBroker {
  readonly transport: RelayTransport
  /** Every message published, in order. */
  readonly published: { readonly subject: string; readonly data: Uint8Array }[]
  /** What to lose; nothing unless set. */
  loses: (subject: string, data: Uint8Array) => boolean
}

export function createMemoryBroker(): MemoryBroker {
  const listeners = new Map<string, (message: Msg) => void>()
  const broker: MemoryBroker = {
    published: [],
    loses: () => false,
    transport: {
      publish(subject, payload) {
        const data = Buffer.from(payload as Uint8Array)
        broker.published.push({ subject, data })
        if (broker.loses(subject, data)) return
        setImmediate(() => {
          for (const [prefix, listener] of listeners)
            if (subject.startsWith(prefix)) listener({ subject, data } as unknown as Msg)
        })
      },
      subscribe(subject, options) {
        const prefix = subject.slice(0, -1)
        listeners.set(prefix, message => options!.callback!(null, message))
        return { unsubscribe: () => listeners.delete(prefix) } as never
      },
    },
  }
  return broker
}
