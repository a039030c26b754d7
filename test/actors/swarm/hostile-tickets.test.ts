// Tickets that are not what they were issued as, or come a second time. Expired ones, others' and those from before
// access was revoked: test/actors/swarm/direct-session.test.ts.

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import test from 'ava'
import { ticketTunables } from '../../../config/swarm.ts'
import { encodeTicket } from '../../../src/wire/ticket.ts'
import { closed } from '../../helpers/closed.ts'
import { alice, bob, offerOf, sharedBytes, startServer, startSession } from '../../helpers/swarm.ts'

const mib = 1024 * 1024
const carol = { user: 'carol', device: 'cccccccccccc' }
const inAnHour = () => Date.now() + ticketTunables.lifetimeMs

/** What bob makes of the ticket that he has for `share`. */
const altered: Record<string, (share: string) => string> = {
  'is made out for another share': () => encodeTicket('f'.repeat(32), bob, inAnHour(), 1),
  'is made to come from after a revocation': share => encodeTicket(share, bob, inAnHour(), 1_000),
  'is made to last longer': share => encodeTicket(share, bob, inAnHour() + 60_000, 1),
  "is given another holder's name": share => encodeTicket(share, carol, inAnHour(), 1),
  "is given the name of its holder's other device": share =>
    encodeTicket(share, { ...bob, device: 'dddddddddddd' }, inAnHour(), 1),
}
for (const [what, alter] of Object.entries(altered))
  test(`A ticket that ${what} is refused with the key it came with.`, async t => {
    const file = sharedBytes(mib)
    await using server = await startServer()
    server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
    const peer = server.peerFor(bob, file.share)
    const ticket = { ...peer.ticket, identity: alter(file.share) }
    using session = startSession({ ...peer, ticket }, file, { connectRelay: () => connect(server.port, '127.0.0.1') })
    t.like(await session.heard.next('peer.lost'), { final: true, reason: 'it does not accept our ticket' })
    t.false(server.heard.events.some(({ type }) => type === 'peer.admitted'))
  })

test("A ticket for one device is refused by every other, even by the same person's and for the same share.", async t => {
  const file = sharedBytes(mib)
  await using first = await startServer()
  await using second = await startServer({ ...alice, device: 'eeeeeeeeeeee' })
  for (const { uploads } of [first, second]) uploads.send({ type: 'offer.added', offer: offerOf(file) })
  const { ticket } = first.peerFor(bob, file.share)
  const connectRelay = () => connect(second.port, '127.0.0.1')
  using session = startSession({ ...second.peerFor(bob, file.share), ticket }, file, { connectRelay })
  t.like(await session.heard.next('peer.lost'), { final: true, reason: 'it does not accept our ticket' })
})

test('A replayed recording of a connection gains no access.', async t => {
  const file = sharedBytes(mib)
  await using server = await startServer()
  server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
  const recorded: Buffer[] = []
  const open = new Set<Socket>()
  const tap = createServer(from => {
    const to = connect(server.port, '127.0.0.1')
    for (const socket of [from, to]) open.add(socket.on('error', () => {}))
    from
      .on('data', (chunk: Buffer) => recorded.push(chunk))
      .pipe(to)
      .pipe(from)
  }).listen(0, '127.0.0.1')
  t.teardown(() => {
    tap.close()
    for (const socket of open) socket.destroy()
  })
  await once(tap, 'listening')
  const tapped = { ...server.peerFor(bob, file.share), port: (tap.address() as AddressInfo).port }
  using session = startSession(tapped, file)
  await session.heard.next('peer.ready')
  await server.heard.next('peer.admitted')

  const again = connect(server.port, '127.0.0.1')
  again.resume().write(Buffer.concat(recorded))
  await closed(again)
  t.false(server.heard.events.filter(({ type }) => type === 'peer.admitted').length > 1)
})
