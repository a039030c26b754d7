// TLS with a pre-shared key and forward secrecy, over a TCP socket or a relay. One handshake proves both sides: the
// identity is a ticket, its key is known to the ticket's holder, the trackers and the device it was issued for alone.
// Sessions are never resumed, so every connection shows a ticket that is valid now.

import { constants } from 'node:crypto'
import { Socket, type TcpNetConnectOpts } from 'node:net'
import type { Duplex } from 'node:stream'
import { type ConnectionOptions, connect, createSecureContext, createServer, type TLSSocket } from 'node:tls'
import { speaksLimits } from '../../wire/frames.ts'
import { decodeTicket, keyTagOf, type Ticket, ticketPsk } from '../../wire/ticket.ts'
import type { SwarmPeer } from '../../wire/tracker-api.ts'

/**
 * TLS 1.3 alone: in it a pre-shared key always goes with a fresh key exchange, and there is no renegotiation. The exchange
 * is by curve, and where this Node has it (OpenSSL 3.5) by ML-KEM beside the curve: the other side cannot ask for a
 * Diffie-Hellman group of its choice, which may cost a quarter of a second to compute with.
 */
const common = {
  ciphers: 'TLS_AES_128_GCM_SHA256',
  minVersion: 'TLSv1.3',
  maxVersion: 'TLSv1.3',
  ecdhCurve: keyExchanges(),
  // No session tickets: each connection shows its own ticket.
  secureOptions: constants.SSL_OP_NO_TICKET,
  // A peer that does not know this protocol ignores it.
  ALPNProtocols: [speaksLimits],
} as const

function keyExchanges(): string {
  const both = 'X25519MLKEM768:X25519'
  try {
    createSecureContext({ ecdhCurve: both })
    return both
  } catch {
    return 'X25519'
  }
}

/** Reused for all reads: Node hands over up to four TLS records of 16 KiB at a time. */
const readBufferBytes = 64 * 1024

/**
 * The fetching side. Emits `secureConnect` once both sides are proven; `describeFailure` puts its errors in words.
 * `onBytes` gets what arrives, and must be done with it when it returns: one buffer serves all reads.
 */
export function secureAsFetcher(
  to: { readonly host: string; readonly port: number } | Duplex,
  ticket: SwarmPeer['ticket'],
  onBytes: (bytes: Buffer) => void,
): TLSSocket {
  const key = { psk: Buffer.from(ticket.key, 'base64url'), identity: ticket.identity }
  const options = {
    ...common,
    pskCallback: () => key,
    // The key is the only proof. Called only for a peer that shows a certificate instead, which proves nothing.
    ca: [],
    checkServerIdentity: () => new Error('what answers there is not Shoal'),
  }
  if (!('host' in to)) return connect({ ...options, socket: to }).on('data', onBytes)
  const { host, port } = to
  const buffer = Buffer.allocUnsafeSlow(readBufferBytes)
  // Most reads are as long as a TLS record, so one view of the buffer serves many of them.
  let bytes = buffer
  const callback = (count: number) => {
    if (bytes.length !== count) bytes = buffer.subarray(0, count)
    onBytes(bytes)
    return true
  }
  const direct: ConnectionOptions & TcpNetConnectOpts = {
    ...options,
    host,
    port,
    noDelay: true,
    keepAlive: true,
    onread: { buffer, callback },
  }
  return connect(direct)
}

/** What went wrong, in plain words. `refused`: the other side answered and turned us away. */
export function describeFailure(error: Error & { code?: string }): {
  readonly reason: string
  readonly refused: boolean
} {
  const code = error.code ?? ''
  if (/^ERR_SSL_.*(ALERT|DECRYPT|MAC|PSK)/.test(code)) return { reason: 'it does not accept our ticket', refused: true }
  if (/^ERR_SSL_|^EPROTO$|CERT/.test(code)) return { reason: 'what answers there is not Shoal', refused: true }
  switch (code) {
    case 'ECONNREFUSED':
      return { reason: 'nothing listens there', refused: false }
    case 'ECONNRESET':
    case 'EPIPE':
      return { reason: 'it broke off the connection', refused: false }
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ETIMEDOUT':
      return { reason: 'it cannot be reached', refused: false }
    default:
      return { reason: error.message, refused: false }
  }
}

/** The TCP socket or relayed channel under each served connection. */
const carriers = new WeakMap<TLSSocket, Duplex>()

/**
 * Ends a served connection so that nothing more reaches the other side, not even what this system holds for it: after an
 * ordinary close a slow reader would go on to receive megabytes.
 */
export function resetConnection(socket: TLSSocket): void {
  const carrier = carriers.get(socket)
  // Everything is written and the end is under way: libuv then refuses to reset it, and Node would keep its handle forever,
  // spin at exit, or crash.
  const isEnding = socket.writableEnded && socket.writableLength === 0 && !socket.writableFinished
  if (carrier instanceof Socket && !isEnding) carrier.resetAndDestroy()
  socket.destroy()
}

/** A device's ticket key, or a function that returns its current ones: two while the cluster's secrets are rotated. */
export type TicketKeys = Buffer | (() => readonly Buffer[])

/**
 * The serving side, over one raw connection: calls `onSecure` once the peer has proven to hold the key of a ticket that is
 * valid now. Destroys `raw` when the handshake fails; how long it may take is for the owner of `raw` to decide.
 */
export function secureAsServer(
  raw: Duplex,
  ticketKeys: TicketKeys,
  onSecure: (socket: TLSSocket, ticket: Ticket) => void,
): void {
  let shown: Ticket | undefined
  const server = createServer(
    {
      ...common,
      pskCallback: (_, identity) => {
        const ticket = decodeTicket(identity)
        if (!ticket || ticket.expiresAt <= Date.now()) return null
        const keys = typeof ticketKeys === 'function' ? ticketKeys() : [ticketKeys]
        const key = keys.find(one => keyTagOf(one) === ticket.keyTag) ?? keys[0]
        if (!key) return null
        shown = ticket
        return ticketPsk(key, identity)
      },
    },
    socket => {
      // The owner learns of the end by `close`; the error adds nothing.
      socket.on('error', () => {})
      carriers.set(socket, raw)
      // TLS session resumption cannot bypass this: each connection has its own server.
      if (!shown) socket.destroy()
      else onSecure(socket, shown)
    },
  )
  server.on('tlsClientError', () => raw.destroy())
  // Documented for any Duplex: https://nodejs.org/api/tls.html#event-connection
  server.emit('connection', raw)
}
