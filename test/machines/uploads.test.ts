import test from 'ava'
import { createActor, fromCallback, SimulatedClock } from 'xstate'
import { ticketTunables, uploadTunables } from '../../config/swarm.ts'
import { fullBitfield } from '../../src/domain/bitfield.ts'
import { type Revocation, type Revocations, withRevocation } from '../../src/domain/revocation.ts'
import type { Offer, UploadsCommand, UploadsEvent } from '../../src/machines/swarm-protocol.ts'
import { uploadsMachine, uploadsStatus } from '../../src/machines/uploads.ts'
import type {
  InboundPeer,
  Listening,
  PeerListenerCommand,
  PeerListenerEvent,
  UploadSessionCommand,
  UploadSessionEvent,
  UploadSessionInput,
} from '../../src/machines/uploads-protocol.ts'
import { group, offerOf, recordEvents, sharedBytes } from '../helpers/swarm.ts'

const file = sharedBytes(10)
const offer = offerOf(file)

/** `seq`: how far the tracker that issued its ticket had applied the log. */
const peerOf = (id: string, user = 'bob', share = file.share, seq = 10): InboundPeer => ({
  id,
  holder: { user, device: 'bbbbbbbbbbbb' },
  ticket: { share, seq, epoch: 1, keyTag: '', holder: '', expiresAt: Date.now() + ticketTunables.lifetimeMs },
  via: 'direct',
})

/** A running uploads machine, with a listener and sessions that the test controls. */
function start(serve: (input: UploadSessionInput) => void = () => {}, revocations: Revocations = new Map()) {
  const heard = recordEvents<UploadsEvent>()
  const toListener: PeerListenerCommand[] = []
  const toSessions: { readonly id: string; readonly command: UploadSessionCommand }[] = []
  const open = new Map<string, Offer>()
  const peerListener = fromCallback<PeerListenerCommand, Listening>(({ receive }) =>
    receive(event => toListener.push(event)),
  )
  const uploadSession = fromCallback<UploadSessionCommand, UploadSessionInput>(({ input, receive }) => {
    serve(input)
    const { id } = input.peer
    open.set(id, input.offer)
    receive(command => toSessions.push({ id, command }))
    return () => open.delete(id)
  })
  const uploads = createActor(uploadsMachine.provide({ actors: { peerListener, uploadSession } }), {
    input: { listen: { host: '0.0.0.0', port: 0 }, parent: heard.ref, revocations },
    clock: new SimulatedClock(),
  }).start()
  const send = (...events: (UploadsCommand | PeerListenerEvent | UploadSessionEvent)[]) => {
    for (const event of events) uploads.send(event)
  }
  send({ type: 'listener.opened', host: '0.0.0.0', port: 7000 })
  const arrive = (...peers: InboundPeer[]) => send(...peers.map(peer => ({ type: 'peer.arrived' as const, peer })))
  return {
    uploads,
    send,
    arrive,
    heard: heard.events,
    toListener,
    toSessions,
    open,
    status: () => uploadsStatus(uploads.getSnapshot()),
  }
}

test('The uploads machine says where it listens.', t => {
  const { heard, status } = start()
  t.deepEqual(heard, [{ type: 'uploads.opened', host: '0.0.0.0', port: 7000 }])
  t.deepEqual(status(), { listen: { host: '0.0.0.0', port: 7000 }, sessions: 0, peers: 0, servedBytes: 0 })
})

test('A peer is served from the offer it comes for.', t => {
  const { send, arrive, open, status } = start()
  send({ type: 'offer.added', offer })
  arrive(peerOf('1'))
  t.is(open.get('1'), offer)
  t.like(status(), { sessions: 1, peers: 1 })
})

test('A peer that comes for a share that is not on offer is dismissed and may come again.', t => {
  const { arrive, open, toListener } = start()
  arrive(peerOf('1'))
  t.is(open.size, 0)
  t.like(toListener, [{ type: 'peer.dismissed', id: '1', retry: true }])
})

const findable: Offer = { ...offer, isFindable: true }
const arriving = (peer: InboundPeer, found: Offer) => ({ type: 'peer.arrived' as const, peer, offer: found })

test('A peer is served from the offer that was found for it, which is let go once no peer fetches it.', t => {
  const { send, arrive, open, uploads } = start()
  const held = () => [...uploads.getSnapshot().context.offers.keys()]
  send(arriving(peerOf('1'), findable))
  t.is(open.get('1'), findable)
  send(arriving(peerOf('2', 'carol'), { ...findable }))
  t.is(open.get('2'), findable, 'the one that is being served')
  const other: Offer = { ...findable, share: 'f'.repeat(32) }
  send(arriving(peerOf('3', 'dave', other.share), other))
  t.deepEqual(held(), [file.share, other.share])
  send({ type: 'upload-session.ended', id: '1' }, { type: 'upload-session.ended', id: '2' })
  send(arriving(peerOf('4', 'erin', other.share), other))
  t.deepEqual(held(), [other.share])
  arrive(peerOf('5'))
  t.false(open.has('5'))
})

test('An offer that can be found takes the place of a download that has finished, and is held only if peers fetch it.', t => {
  for (const isFetched of [true, false]) {
    const { send, arrive, toSessions, uploads } = start()
    send({ type: 'offer.added', offer })
    if (isFetched) arrive(peerOf('1'))
    send({ type: 'offer.added', offer: findable })
    t.is(uploads.getSnapshot().context.offers.get(file.share), isFetched ? findable : undefined)
    t.deepEqual(toSessions, isFetched ? [{ id: '1', command: { type: 'offer.replaced', offer: findable } }] : [])
  }
})

test('Access that was revoked is refused, and a failing read reported, for an offer that was found as for any other.', t => {
  const { send, heard, open, toListener } = start()
  send({ type: 'access.revoked', revocation: { kind: 'membership', user: 'bob', group, seq: 20 } })
  send(arriving(peerOf('1'), findable))
  t.like(toListener, [{ id: '1', retry: false }])
  send(arriving(peerOf('2', 'carol'), findable))
  t.deepEqual([...open.keys()], ['2'])
  const error = new Error('it changed')
  send({ type: 'read.failed', offer: findable, error })
  t.deepEqual(heard.at(-1), { type: 'offer.failed', share: file.share, error })
})

test('At the limit of sessions peers are dismissed, until one leaves.', t => {
  const { send, arrive, toListener, status } = start()
  send({ type: 'offer.added', offer })
  for (let index = 0; index < uploadTunables.maxSessions; index++) arrive(peerOf(`${index}`, `user${index}`))
  arrive(peerOf('late'))
  t.like(toListener, [{ id: 'late', retry: true }])
  t.is(status().peers, uploadTunables.maxSessions)
  send({ type: 'upload-session.ended', id: '7' })
  arrive(peerOf('later'))
  t.is(toListener.length, 1)
})

test('One user does not take all the room, however many devices they have.', t => {
  const { send, arrive, status, toListener } = start()
  send({ type: 'offer.added', offer })
  arrive(
    ...Array.from({ length: uploadTunables.maxSessionsPerUser + 1 }, (_, index) => ({
      ...peerOf(`${index}`),
      holder: { user: 'bob', device: String(index).padStart(12, 'b') },
    })),
  )
  t.is(status().sessions, uploadTunables.maxSessionsPerUser)
  t.like(toListener, [{ id: `${uploadTunables.maxSessionsPerUser}`, type: 'peer.dismissed', retry: true }])
  arrive(peerOf('another', 'carol'))
  t.is(status().sessions, uploadTunables.maxSessionsPerUser + 1)
})

test('A lower limit ends the latest sessions, whose peers may come again, and admits no more until there is room.', t => {
  const { send, arrive, toListener, toSessions } = start()
  send({ type: 'offer.added', offer })
  for (let index = 0; index < 6; index++) arrive(peerOf(`${index}`, `user${index}`))
  send({ type: 'sessions.limited', most: 4 })
  t.like(toSessions, [
    { id: '4', command: { type: 'session.close', retry: true } },
    { id: '5', command: { type: 'session.close', retry: true } },
  ])
  send({ type: 'upload-session.ended', id: '4' }, { type: 'upload-session.ended', id: '5' })
  arrive(peerOf('late'))
  t.like(toListener, [{ id: 'late', retry: true }])
  send({ type: 'sessions.limited', most: 5 })
  arrive(peerOf('later'))
  t.is(toListener.length, 1)
})

test('No limit admits more peers than the tunables allow.', t => {
  const { send, arrive, toListener } = start()
  send({ type: 'offer.added', offer }, { type: 'sessions.limited', most: uploadTunables.maxSessions + 1 })
  for (let index = 0; index <= uploadTunables.maxSessions; index++) arrive(peerOf(`${index}`, `user${index}`))
  t.is(toListener.length, 1)
})

test('News of a share goes to the sessions of that share alone.', t => {
  const { send, arrive, toSessions } = start()
  const other = 'f'.repeat(32)
  send({ type: 'offer.added', offer }, { type: 'offer.added', offer: { ...offer, share: other } })
  arrive(peerOf('1'), peerOf('2', 'carol', other))
  send({ type: 'piece.available', share: other, piece: 0 })
  t.like(toSessions, [{ id: '2', command: { type: 'piece.available', piece: 0 } }])
})

test('Revoked access cuts off that user in that group alone.', t => {
  const { send, arrive, open } = start()
  const other = { ...offer, share: 'f'.repeat(32), group: 'others' }
  send({ type: 'offer.added', offer }, { type: 'offer.added', offer: other })
  arrive(peerOf('1'), peerOf('2', 'carol'), peerOf('3', 'bob', other.share))
  send({ type: 'access.revoked', revocation: { kind: 'membership', user: 'bob', group, seq: 20 } })
  t.deepEqual([...open.keys()], ['2', '3'])
})

test('After access was revoked earlier tickets are refused for good and later ones are not.', t => {
  const { send, arrive, toListener, open } = start()
  const revocation: Revocation = { kind: 'membership', user: 'bob', group, seq: 20 }
  send({ type: 'offer.added', offer }, { type: 'access.revoked', revocation })
  arrive(peerOf('early'), peerOf('then', 'bob', file.share, 20))
  t.like(toListener, [
    { id: 'early', retry: false },
    { id: 'then', retry: false },
  ])
  arrive(peerOf('later', 'bob', file.share, 21))
  t.deepEqual([...open.keys()], ['later'])
})

test('Which tickets are refused does not depend on any clock.', t => {
  const { send, arrive, toListener, open } = start()
  const revocation: Revocation = { kind: 'membership', user: 'bob', group, seq: 20 }
  send({ type: 'offer.added', offer }, { type: 'access.revoked', revocation })
  for (const aheadMs of [-30 * 60_000, 30 * 60_000]) {
    const issued = (id: string, seq: number) => {
      const one = peerOf(id, 'bob', file.share, seq)
      return { ...one, ticket: { ...one.ticket, expiresAt: one.ticket.expiresAt + aheadMs } }
    }
    arrive(issued(`before ${aheadMs}`, 19), issued(`after ${aheadMs}`, 21))
    t.like(toListener.at(-1), { id: `before ${aheadMs}`, retry: false })
    t.deepEqual([...open.keys()], [`after ${aheadMs}`])
  }
})

test('A revocation that is heard late spares a peer that was admitted again meanwhile.', t => {
  const { send, arrive, open } = start()
  send({ type: 'offer.added', offer })
  arrive(peerOf('again', 'bob', file.share, 30))
  send({ type: 'access.revoked', revocation: { kind: 'membership', user: 'bob', group, seq: 20 } })
  t.deepEqual([...open.keys()], ['again'])
})

test('A device that is logged out is cut off wherever it fetches, and the other devices of its user are not.', t => {
  const { send, arrive, open, toListener } = start()
  const other = { ...offer, share: 'f'.repeat(32), group: 'others' }
  send({ type: 'offer.added', offer }, { type: 'offer.added', offer: other })
  const second = { user: 'bob', device: 'cccccccccccc' }
  arrive(peerOf('1'), peerOf('2', 'bob', other.share), { ...peerOf('3'), holder: second })
  send({ type: 'access.revoked', revocation: { kind: 'device', user: 'bob', device: 'bbbbbbbbbbbb', seq: 20 } })
  t.deepEqual([...open.keys()], ['3'])
  arrive(peerOf('4'))
  t.like(toListener, [{ id: '4', retry: false }])
})

test('A share that may not be served from here is served to no peer until it is shared again.', t => {
  const { send, arrive, open, toListener } = start()
  const other = { ...offer, share: 'f'.repeat(32) }
  send({ type: 'offer.added', offer }, { type: 'offer.added', offer: other })
  arrive(peerOf('1'), peerOf('2', 'carol'), peerOf('3', 'bob', other.share))
  send({ type: 'access.revoked', revocation: { kind: 'share', share: file.share, seq: 20 } })
  t.deepEqual([...open.keys()], ['3'])
  arrive(peerOf('4', 'carol'), peerOf('5', 'carol', file.share, 25))
  t.deepEqual(toListener.length, 1)
  t.deepEqual([...open.keys()], ['3', '5'])
})

test('An uploads machine that starts again knows what was revoked before.', t => {
  const revocations = withRevocation(new Map(), { kind: 'membership', user: 'bob', group, seq: 20 }, Date.now(), 1_000)
  const { send, arrive, open } = start(() => {}, revocations)
  send({ type: 'offer.added', offer })
  arrive(peerOf('1'), peerOf('2', 'carol'))
  t.deepEqual([...open.keys()], ['2'])
})

test('An offer that replaces another is handed to its sessions.', t => {
  const { send, arrive, toSessions } = start()
  send({ type: 'offer.added', offer })
  arrive(peerOf('1'))
  const finished = { ...offer, have: fullBitfield(1) }
  send({ type: 'offer.added', offer: finished })
  t.deepEqual(toSessions, [{ id: '1', command: { type: 'offer.replaced', offer: finished } }])
})

test('A failing offer is withdrawn and reported once, however many sessions notice.', t => {
  const { send, arrive, toSessions, heard, toListener } = start()
  send({ type: 'offer.added', offer })
  arrive(peerOf('1'), peerOf('2', 'carol'))
  const error = new Error('it changed')
  send({ type: 'read.failed', offer, error }, { type: 'read.failed', offer, error })
  t.deepEqual(
    heard.filter(({ type }) => type === 'offer.failed'),
    [{ type: 'offer.failed', share: file.share, error }],
  )
  t.deepEqual(
    toSessions.map(({ id, command }) => [id, command.type]),
    [
      ['1', 'session.close'],
      ['2', 'session.close'],
    ],
  )
  arrive(peerOf('3', 'dave'))
  t.like(toListener, [{ id: '3' }])
})

test('The failure of an offer that was replaced meanwhile changes nothing.', t => {
  const { send, arrive, heard, open } = start()
  send({ type: 'offer.added', offer }, { type: 'offer.added', offer: { ...offer } })
  send({ type: 'read.failed', offer, error: new Error('renamed') })
  arrive(peerOf('1'))
  t.false(heard.some(({ type }) => type === 'offer.failed'))
  t.is(open.size, 1)
})

test('Served bytes add up.', t => {
  const { send, status } = start()
  send({ type: 'bytes.served', share: file.share, bytes: 3 }, { type: 'bytes.served', share: file.share, bytes: 4 })
  t.is(status().servedBytes, 7)
})

test('An upload session that throws is forgotten, and the others continue.', t => {
  const { send, arrive, status, uploads } = start(({ peer: { id } }) => {
    if (id === 'bad') throw new Error('it left')
  })
  send({ type: 'offer.added', offer })
  arrive(peerOf('bad'), peerOf('good', 'carol'))
  t.is(status().sessions, 1)
  t.is(uploads.getSnapshot().status, 'active')
})

test('A session that has ended is stopped and let go, whether it says so or throws.', t => {
  const { send, arrive, open, uploads } = start(({ peer: { id } }) => {
    if (id === 'bad') throw new Error('it left')
  })
  send({ type: 'offer.added', offer })
  arrive(peerOf('1'), peerOf('bad', 'carol'), peerOf('2', 'dave'))
  send({ type: 'upload-session.ended', id: '1' })
  t.deepEqual([...open.keys()], ['2'])
  t.deepEqual(Object.keys(uploads.getSnapshot().children).toSorted(), ['2', 'peerListener'])
})

test('A listener that cannot open ends the uploads machine with the reason.', t => {
  const { send, heard, uploads } = start()
  const refusal = { ok: false, code: 'usage', message: 'in use' } as const
  send({ type: 'listener.failed', refusal })
  t.deepEqual(heard.at(-1), { type: 'uploads.failed', refusal })
  t.is(uploads.getSnapshot().status, 'done')
})

test('A listener that throws ends the uploads machine with the reason.', t => {
  const heard = recordEvents<UploadsEvent>()
  const peerListener = fromCallback<PeerListenerCommand, Listening>(() => {
    throw new Error('no sockets left')
  })
  createActor(uploadsMachine.provide({ actors: { peerListener } }), {
    input: { listen: { host: '0.0.0.0', port: 0 }, parent: heard.ref },
  }).start()
  t.like(heard.events, [{ type: 'uploads.failed', refusal: { code: 'unreachable' } }])
})

test('The uploads machine stops its sessions when it is stopped.', t => {
  const { send, arrive, uploads, open } = start()
  send({ type: 'offer.added', offer })
  arrive(peerOf('1'))
  uploads.stop()
  t.is(open.size, 0)
})
