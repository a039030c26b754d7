import { randomBytes } from 'node:crypto'
import test from 'ava'
import fc from 'fast-check'
import { decodeTicket, deviceTicketKey, encodeTicket, holderTag, ticketPsk } from '../../src/wire/ticket.ts'

const share = '00112233445566778899aabbccddeeff'
const alice = { user: 'alice', device: 'aaaaaaaaaaaa' }
const expiresAt = 1_900_000_000_123
const epoch = 1_800_000_000_456
const seq = 2 ** 40 + 7

test('A ticket decodes to what it was made for, and is a PSK identity of at most 128 bytes.', t => {
  const identity = encodeTicket(share, alice, expiresAt, seq, epoch)
  t.deepEqual(decodeTicket(identity), { expiresAt, seq, epoch, keyTag: '00000000', share, holder: holderTag(alice) })
  t.regex(identity, /^[A-Za-z0-9_-]{1,128}$/)
})

test('Text that is not a ticket of this version decodes to undefined.', t => {
  const identity = encodeTicket(share, alice, expiresAt, seq)
  const later = Buffer.from(identity, 'base64url')
  later[0] = 3
  const none = ['', 'x', identity.slice(1), `${identity}A`, ` ${identity}`, `${identity}=`, later.toString('base64url')]
  for (const text of [...none, 'A'.repeat(100_000)]) t.is(decodeTicket(text), undefined)
})

test('No text makes decoding throw, and every decoded ticket has a full share id and a full encoding.', t => {
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.base64String(),
    fc.uint8Array({ minLength: 69, maxLength: 69 }),
  )
  fc.assert(
    fc.property(texts, input => {
      const text = typeof input === 'string' ? input : Buffer.from([2, ...input.slice(1)]).toString('base64url')
      const ticket = decodeTicket(text)
      return (
        ticket === undefined || (/^[0-9a-f]{32}$/.test(ticket.share) && Buffer.from(text, 'base64url').length === 69)
      )
    }),
  )
  t.pass()
})

test('A key belongs to one ticket, one device, one log-in and one cluster.', t => {
  const cluster = randomBytes(32)
  const bob = { user: 'bob', device: 'bbbbbbbbbbbb' }
  const identity = encodeTicket(share, alice, expiresAt, seq)
  const key = ticketPsk(deviceTicketKey(cluster, bob, 'c1'), identity)
  t.is(key.length, 32)
  t.deepEqual(ticketPsk(deviceTicketKey(cluster, bob, 'c1'), identity), key)
  const others = [
    ticketPsk(deviceTicketKey(cluster, bob, 'c1'), encodeTicket(share, alice, expiresAt + 1, seq)),
    ticketPsk(deviceTicketKey(cluster, bob, 'c1'), encodeTicket(share, alice, expiresAt, seq + 1)),
    ticketPsk(deviceTicketKey(cluster, bob, 'c1'), encodeTicket(share, bob, expiresAt, seq)),
    ticketPsk(deviceTicketKey(cluster, bob, 'c1'), encodeTicket(share.replace('0', 'f'), alice, expiresAt, seq)),
    ticketPsk(deviceTicketKey(cluster, bob, 'c2'), identity),
    ticketPsk(deviceTicketKey(cluster, { ...bob, device: 'cccccccccccc' }, 'c1'), identity),
    ticketPsk(deviceTicketKey(randomBytes(32), bob, 'c1'), identity),
  ]
  t.is(new Set([key, ...others].map(bytes => bytes.toString('hex'))).size, 8)
})
