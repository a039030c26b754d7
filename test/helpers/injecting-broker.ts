// Stands where a broker does: passes everything between a client and a real broker on, and writes messages of its own into
// the client's connection, as a broker of a hostile operator could.

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { ExecutionContext } from 'ava'

export interface Injected {
  readonly subject: string
  readonly reply: string
  readonly body: string
}

export interface InjectingBroker {
  /** Its address, as clients name it. */
  readonly server: string
  /** Resolves once each message was written to the client, on every subscription that it has. */
  inject(messages: readonly Injected[]): Promise<void>
  /** Everything that clients have sent. */
  said(): string
}

/** `server` is the real one; without TLS. */
export async function injectingBroker(t: ExecutionContext, server: string): Promise<InjectingBroker> {
  const [host, port] = server.replace('nats://', '').split(':')
  const sockets = new Set<Socket>()
  const subscriptions = new Set<string>()
  let said = ''
  let pending: { readonly messages: readonly Injected[]; readonly written: () => void } | undefined
  const listening = createServer(client => {
    const broker = connect({ host: host!, port: Number(port) })
    for (const socket of [client, broker]) {
      sockets.add(socket)
      socket.on('error', () => {})
    }
    client.on('close', () => broker.destroy())
    broker.on('close', () => client.destroy())
    client.on('data', chunk => {
      said += chunk.toString('latin1')
      for (const [, sid] of chunk.toString('latin1').matchAll(/SUB \S+ (?:\S+ )?(\d+)\r\n/g)) subscriptions.add(sid!)
      broker.write(chunk)
    })
    broker.on('data', chunk => {
      client.write(chunk)
      // Between two messages. The first one answers CONNECT, when there are no subscriptions yet.
      if (!pending || subscriptions.size === 0 || !chunk.toString('latin1').endsWith('PONG\r\n')) return
      for (const { subject, reply, body } of pending.messages)
        for (const sid of subscriptions)
          client.write(`MSG ${subject} ${sid} ${reply} ${Buffer.byteLength(body)}\r\n${body}\r\n`)
      pending.written()
      pending = undefined
    })
  }).listen(0, '127.0.0.1')
  await once(listening, 'listening')
  t.teardown(() => {
    listening.close()
    for (const socket of sockets) socket.destroy()
  })
  return {
    server: `nats://127.0.0.1:${(listening.address() as AddressInfo).port}`,
    inject: messages =>
      new Promise(written => {
        pending = { messages, written }
      }),
    said: () => said,
  }
}
