// A broker that does what the test says: no more of NATS's protocol than a login and pings.

import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { ExecutionContext } from 'ava'

/**
 * `frozen`: the system accepts connections for it, and it says nothing. `untended`: greets, and never answers a login.
 * `refusing` · `welcoming`: answers a login.
 */
export type BrokerMood = 'frozen' | 'untended' | 'refusing' | 'welcoming'

export interface ScriptedBroker {
  readonly server: string
  /** For connections from now on, and pings on those that there are. */
  mood: BrokerMood
  /** Client addresses of other brokers, which it tells of in its greeting. */
  others: string[]
  /** Connections made so far. */
  readonly dialled: number
  /** Connections that the client has not closed. */
  readonly open: number
}

export async function scriptedBroker(t: ExecutionContext, mood: BrokerMood): Promise<ScriptedBroker> {
  const sockets = new Set<Socket>()
  let dialled = 0
  const server = createServer(socket => {
    dialled += 1
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    if (broker.mood === 'frozen') return void socket.resume()
    const info = {
      server_id: 'N',
      version: '2.12.0',
      max_payload: 1_048_576,
      headers: true,
      connect_urls: broker.others,
    }
    socket.write(`INFO ${JSON.stringify(info)}\r\n`)
    socket.on('data', chunk => {
      const pings = chunk.toString().match(/PING\r\n/g) ?? []
      if (pings.length > 0 && broker.mood === 'refusing') socket.end("-ERR 'Authorization Violation'\r\n")
      if (broker.mood === 'welcoming') for (const _ of pings) socket.write('PONG\r\n')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const broker: ScriptedBroker = {
    server: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    mood,
    others: [],
    get dialled() {
      return dialled
    },
    get open() {
      return sockets.size
    },
  }
  return broker
}
