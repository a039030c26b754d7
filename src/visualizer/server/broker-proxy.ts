// Passes NATS's bytes between a page's WebSocket and a broker's client port, where the page cannot reach the broker's own
// WebSocket listener or is not accepted there. It reads none of them: the page logs in at the broker like any client. To
// the broker it speaks TLS wherever other connections do. A slow side holds up the other, and nothing piles up here.

import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { createWebSocketStream, type WebSocket, WebSocketServer } from 'ws'
import { visualizerTunables } from '../../../config/visualizer.ts'
import { dialBroker, type Trust } from '../../actors/client/broker-trust.ts'

export class BrokerProxy {
  readonly #servers: readonly string[]
  readonly #trust: Trust
  readonly #sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: visualizerTunables.mostFrameBytes,
  })
  #next = 0

  /** `servers`: the brokers' client addresses, used round-robin. */
  constructor(servers: readonly string[], trust: Trust) {
    this.#servers = servers
    this.#trust = trust
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#sockets.handleUpgrade(request, socket, head, page => this.#connect(page))
  }

  close(): void {
    for (const page of this.#sockets.clients) page.terminate()
  }

  #connect(page: WebSocket): void {
    let broker: Duplex
    try {
      broker = dialBroker(this.#servers[this.#next++ % this.#servers.length]!, this.#servers, this.#trust)
    } catch {
      page.close(1011, 'this home trusts no broker')
      return
    }
    const stream = createWebSocketStream(page)
    const end = () => {
      stream.destroy()
      broker.destroy()
    }
    for (const side of [stream, broker]) side.on('error', end).on('close', end)
    stream.pipe(broker).pipe(stream)
  }
}
