// nats' connect, which leaves a socket open for ever when a broker accepts a connection and then says nothing (transport
// 3.4.0). Here an attempt that has failed also closes its socket.

import { type ConnectionOptions, type NatsConnection, NatsConnectionImpl, setTransportFactory } from 'nats'
import { NodeTransport, nodeResolveHost } from 'nats/lib/node_transport.js'

class ClosingTransport extends NodeTransport {
  override async close(error?: Error): Promise<void> {
    await super.close(error)
    this.discard()
  }
}

/** As nats' own; throws what that throws. */
export function connectNats(options: ConnectionOptions): Promise<NatsConnection> {
  setTransportFactory({ factory: () => new ClosingTransport(), dnsResolveFn: nodeResolveHost })
  return NatsConnectionImpl.connect(options)
}
