// While a cluster's secrets are rotated a device has two ticket keys, and tickets by either are good.

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { secureAsFetcher, secureAsServer } from '../../../src/actors/swarm/tls.ts'
import { encodeTicket, keyTagOf, ticketPsk } from '../../../src/wire/ticket.ts'

const holder = { user: 'bob', device: 'bbbbbbbbbbbb' }

async function isLetIn(t: ExecutionContext, keys: () => readonly Buffer[], by: Buffer): Promise<boolean> {
  const server = createServer(raw => {
    raw.on('error', () => {})
    secureAsServer(raw, keys, () => {})
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const identity = encodeTicket('0'.repeat(32), holder, Date.now() + 60_000, 1, 1, keyTagOf(by))
  const key = ticketPsk(by, identity).toString('base64url')
  const { port } = server.address() as AddressInfo
  const socket = secureAsFetcher({ host: '127.0.0.1', port }, { identity, key }, () => {})
  const { promise, resolve } = Promise.withResolvers<boolean>()
  socket.on('secureConnect', () => resolve(true))
  socket.on('error', () => resolve(false))
  socket.on('close', () => resolve(false))
  const met = await promise
  socket.destroy()
  return met
}

test('With two keys, each ticket is checked by its own; a retired key accepts no ticket.', async t => {
  const [old, next, foreign] = [randomBytes(32), randomBytes(32), randomBytes(32)]
  let keys = [old, next]
  const known = () => keys
  t.deepEqual(await Promise.all([old, next, foreign].map(key => isLetIn(t, known, key))), [true, true, false])
  keys = [next]
  t.deepEqual(await Promise.all([old, next].map(key => isLetIn(t, known, key))), [false, true])
})
