// A way from the page to a broker where its WebSocket listener is out of reach, or takes no page from this port: NATS's
// own bytes, from a WebSocket to the broker's client port and back. It reads none of them; whoever connects through it
// logs in at the broker like anybody else. To the broker it speaks TLS wherever any connection does, and trusts whom it was
// told to. A side that is slow holds up the other, and nothing piles up here.

import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { createWebSocketStream, WebSocketServer } from 'ws'
import { dialBroker, type Trust } from '../../actors/client/broker-trust.ts'

/** `servers`: brokers' client addresses; each connection takes the next one. */
export function createBrokerBridge(servers: readonly string[], trust: Trust) {
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 1 << 20 })
  let next = 0
  return {
    upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
      sockets.handleUpgrade(request, socket, head, page => {
        let broker: Duplex
        try {
          broker = dialBroker(servers[next++ % servers.length]!, servers, trust)
        } catch {
          return page.close(1011, 'nothing says whom to trust at the brokers')
        }
        const stream = createWebSocketStream(page)
        const end = () => {
          stream.destroy()
          broker.destroy()
        }
        for (const side of [stream, broker]) side.on('error', end).on('close', end)
        stream.pipe(broker).pipe(stream)
      })
    },
    close() {
      for (const page of sockets.clients) page.terminate()
    },
  }
}
