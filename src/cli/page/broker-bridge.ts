// A way from the page to a broker where its WebSocket listener is out of reach, or takes no page from this port: NATS's
// own bytes, from a WebSocket to the broker's client port and back. It reads none of them; whoever connects through it
// logs in at the broker like anybody else. A side that is slow holds up the other, and nothing piles up here.

import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { createWebSocketStream, WebSocketServer } from 'ws'

/** `servers`: brokers' client addresses; each connection takes the next one that answers. */
export function createBrokerBridge(servers: readonly string[]) {
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 1 << 20 })
  let next = 0
  return {
    upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
      sockets.handleUpgrade(request, socket, head, page => {
        const { hostname, port } = new URL(`http://${servers[next++ % servers.length]!.replace(/^\w+:\/\//, '')}`)
        const broker = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 4222) })
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
