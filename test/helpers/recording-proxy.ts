// Stands in the wire: passes TCP connections on to somewhere else, and keeps every byte that went either way.

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { ExecutionContext } from 'ava'

export interface RecordingProxy {
  readonly port: number
  /** What went one way over one connection, for each way of each connection. */
  readonly streams: Buffer[][]
}

export async function recordingProxy(
  t: ExecutionContext,
  to: { readonly host: string; readonly port: number },
  port = 0,
): Promise<RecordingProxy> {
  const streams: Buffer[][] = []
  const sockets = new Set<Socket>()
  const pass = (from: Socket, into: Socket) => {
    const recorded: Buffer[] = []
    streams.push(recorded)
    sockets.add(from)
    from.on('data', (chunk: Buffer) => {
      recorded.push(chunk)
      into.write(chunk)
    })
    from.on('error', () => {})
    from.on('close', () => into.destroy())
  }
  const server = createServer(client => {
    const there = connect(to)
    pass(client, there)
    pass(there, client)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { port: (server.address() as AddressInfo).port, streams }
}

export interface Heard {
  /** Lines of NATS's INFO before anything else. */
  readonly infos: string[]
  /** Everything after them is TLS, and begins with a handshake. */
  readonly isAllTls: boolean
  readonly bytes: Buffer
}

/** What an eavesdropper can read from a stream. */
export function hear(stream: readonly Buffer[]): Heard {
  const bytes = Buffer.concat(stream)
  const infos: string[] = []
  let at = 0
  while (bytes.toString('latin1', at, at + 5) === 'INFO ') {
    const end = bytes.indexOf('\r\n', at)
    if (end < 0) break
    infos.push(bytes.toString('utf8', at, end))
    at = end + 2
  }
  return { infos, isAllTls: isTls(bytes.subarray(at)), bytes }
}

/** TLS records, RFC 8446, 5.1: type, version, length; the last one may be cut off. */
function isTls(bytes: Buffer): boolean {
  const handshake = 22
  if (bytes.length > 0 && bytes[0] !== handshake) return false
  for (let at = 0; at < bytes.length; ) {
    const type = bytes[at]!
    if (type < 20 || type > 23) return false
    if (at + 5 > bytes.length) return true
    if (bytes[at + 1] !== 3 || bytes.readUInt16BE(at + 3) > 16_384 + 256) return false
    at += 5 + bytes.readUInt16BE(at + 3)
  }
  return true
}
