// TLS with a pre-shared key and forward secrecy, over a TCP socket or a relay. One handshake proves both sides: the
// identity is a ticket, its key is known to the ticket's holder, the trackers and the device it was issued for alone.
// A session is never resumed, so every connection shows a ticket that is valid now.

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
  // Nothing to go on with later: each connection shows its ticket.
  secureOptions: constants.SSL_OP_NO_TICKET,
  // One side that knows none of this is as if nothing had been offered.
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

/** Read into over and over: Node hands over up to four TLS records of 16 KiB at a time. */
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
    // The key is the only proof. Asked only about somebody who came with a certificate instead, which nobody vouches for.
    ca: [],
    checkServerIdentity: () => new Error('what answers there is not Shoal'),
  }
  if (!('host' in to)) return connect({ ...options, socket: to }).on('data', onBytes)
  const { host, port } = to
  const buffer = Buffer.allocUnsafeSlow(readBufferBytes)
  // Most reads are as long as a TLS record, and one view of the buffer does for all that are alike.
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

/** What went wrong, in plain words; `refused` when the other side answered and would not have us. */
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

/** What carries each served connection. */
const carriers = new WeakMap<TLSSocket, Duplex>()

/**
 * Ends a served connection so that nothing more reaches the other side, also of what this system holds for it: megabytes,
 * that a slow or unwilling reader would go on to get long after an ordinary close.
 */
export function resetConnection(socket: TLSSocket): void {
  const carrier = carriers.get(socket)
  // All is written and its end is under way: libuv refuses to reset it then, and Node would keep its handle for ever, spin
  // when the process is to end, or crash.
  const isEnding = socket.writableEnded && socket.writableLength === 0 && !socket.writableFinished
  if (carrier instanceof Socket && !isEnding) carrier.resetAndDestroy()
  socket.destroy()
}

/** A device's ticket key, or those that it has at the moment: two while the cluster's secrets are rotated. */
export type TicketKeys = Buffer | (() => readonly Buffer[])

/**
 * The serving side, over one raw connection: calls `onSecure` once the holder of a ticket that is valid now has proven
 * to have its key. Destroys `raw` when that does not happen; who owns `raw` sees it close, and says how long it may take.
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
      // Whoever owns it next hears of its end by `close`; an error says no more than that.
      socket.on('error', () => {})
      carriers.set(socket, raw)
      // An earlier session cannot be resumed, for each connection has a server of its own; nor would a ticket be shown.
      if (!shown) socket.destroy()
      else onSecure(socket, shown)
    },
  )
  server.on('tlsClientError', () => raw.destroy())
  // Documented for any Duplex: https://nodejs.org/api/tls.html#event-connection
  server.emit('connection', raw)
}
