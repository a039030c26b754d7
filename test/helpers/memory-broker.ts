// What the relay uses of NATS connections, in memory and in order, with a say over what is delivered. As at a broker, a
// subscription ends after as many messages as its subscriber named.

import type { Msg } from 'nats'
import type { RelayTransport } from '../../src/actors/swarm/relay-connection.ts'

export interface MemoryBroker {
  connect(): RelayTransport
  publish(subject: string, payload: Uint8Array | string): void
  /** Every message published, in order. */
  readonly published: { readonly subject: string; readonly data: Uint8Array }[]
  /** Those that reached a subscriber. */
  readonly delivered: { readonly subject: string; readonly data: Uint8Array }[]
  /** The connections that are open. */
  readonly open: Set<RelayTransport>
  /** What to lose; nothing unless set. */
  loses: (subject: string, data: Uint8Array) => boolean
}

interface Listener {
  readonly subject: string
  readonly hear: (message: Msg) => void
  heard: number
  most: number
}

export function createMemoryBroker(): MemoryBroker {
  const listeners = new Set<Listener>()
  const deliver = (subject: string, data: Uint8Array) => {
    for (const listener of [...listeners]) {
      if (listener.subject !== subject) continue
      listener.heard += 1
      if (listener.heard >= listener.most) listeners.delete(listener)
      broker.delivered.push({ subject, data })
      listener.hear({ subject, data } as unknown as Msg)
    }
  }
  const subscribe: RelayTransport['subscribe'] = (subject, options) => {
    const hear = (message: Msg) => options!.callback!(null, message)
    const listener: Listener = { subject, hear, heard: 0, most: Number.POSITIVE_INFINITY }
    listeners.add(listener)
    const unsubscribe = (most?: number) => {
      if (most !== undefined && most > listener.heard) listener.most = most
      else listeners.delete(listener)
    }
    return { unsubscribe } as never
  }
  const broker: MemoryBroker = {
    connect() {
      const gone = Promise.withResolvers<undefined>()
      const transport: RelayTransport = {
        publish: (subject, payload) => broker.publish(subject, payload as Uint8Array | string),
        subscribe,
        async flush() {
          await new Promise(setImmediate)
        },
        closed: () => gone.promise,
        async close() {
          broker.open.delete(transport)
          gone.resolve(undefined)
        },
      }
      broker.open.add(transport)
      return transport
    },
    publish(subject, payload) {
      const data = Buffer.from(payload as Uint8Array)
      broker.published.push({ subject, data })
      if (!broker.loses(subject, data)) setImmediate(() => deliver(subject, data))
    },
    published: [],
    delivered: [],
    open: new Set(),
    loses: () => false,
  }
  return broker
}
