// Connections that are cut off, at whatever moment of their ending.

import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import test from 'ava'
import { ticketTunables } from '../../../config/swarm.ts'
import { resetConnection, secureAsFetcher, secureAsServer } from '../../../src/actors/swarm/tls.ts'
import { encodeTicket, ticketPsk } from '../../../src/wire/ticket.ts'
import { bob } from '../../helpers/swarm.ts'

const ticketKey = Buffer.alloc(32, 7)

async function connected() {
  const { promise: served, resolve } = Promise.withResolvers<{ socket: TLSSocket; raw: Socket }>()
  const server = createServer(raw => secureAsServer(raw, ticketKey, socket => resolve({ socket, raw })))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const identity = encodeTicket('f'.repeat(32), bob, Date.now() + ticketTunables.lifetimeMs, 1)
  const key = ticketPsk(ticketKey, identity).toString('base64url')
  const fetcher = secureAsFetcher({ host: '127.0.0.1', port }, { identity, key }, () => {})
  fetcher.on('error', () => {})
  const connection = await served
  // Node crashes when a connection is reset within the call that says that it is secure; the test avoids that.
  await nextTurn()
  return { ...connection, server, fetcher }
}

test('A connection that is cut off at any step of its ending is closed.', async t => {
  for (let turns = 0; turns < 6; turns += 1) {
    const { socket, raw, server, fetcher } = await connected()
    const troubles: string[] = []
    raw.on('error', ({ message }) => troubles.push(message))
    socket.end('goodbye')
    for (let turn = 0; turn < turns; turn += 1) await nextTurn()
    resetConnection(socket)
    fetcher.destroy()
    // Only when no connection is left.
    await Promise.all([once(server, 'close'), server.close()])
    t.deepEqual(troubles, [], `after ${turns} turns`)
  }
})
