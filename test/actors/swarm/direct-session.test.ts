import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectTcp, createServer } from 'node:net'
import test from 'ava'
import { createActor, waitFor } from 'xstate'
import { peerTunables, uploadTunables } from '../../../config/swarm.ts'
import { provideUploads } from '../../../src/actors/swarm/uploads.ts'
import { createBitfield } from '../../../src/domain/bitfield.ts'
import type { UploadsEvent } from '../../../src/machines/swarm-protocol.ts'
import { uploadsStatus } from '../../../src/machines/uploads.ts'
import { startRawFetcher } from '../../helpers/raw-peer.ts'
import {
  alice,
  bob,
  fetchAll,
  group,
  offerOf,
  recordEvents,
  sharedBytes,
  startServer,
  startSession,
} from '../../helpers/swarm.ts'

const mib = 1024 * 1024

/** Stands in for a relay that leads to the same device: a refusal there is final. */
const connectTo = (port: number) => connectTcp(port, '127.0.0.1')

test('A file that is served arrives identical.', async t => {
  const file = sharedBytes(5 * mib + 7)
  await using server = await startServer()
  server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
  const { bytes, via } = await fetchAll(server.peerFor(bob, file.share), file)
  t.is(via, 'direct')
  t.true(bytes.equals(file.bytes))
})

test('The peer of an empty file is ready, with nothing to fetch.', async t => {
  const file = sharedBytes(0)
  await using server = await startServer()
  server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
  using session = startSession(server.peerFor(bob, file.share), file)
  const { have } = await session.heard.next('peer.ready')
  t.is(have.length, 0)
})

test('A ready session reports its capacity before it has fetched anything.', async t => {
  const file = sharedBytes(mib)
  await using server = await startServer()
  server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
  using session = startSession(server.peerFor(bob, file.share), file)
  t.like(await session.heard.next('peer.capacity'), {
    pieces: 1,
    bytesPerSecond: undefined,
    peer: 'alice/aaaaaaaaaaaa',
  })
  t.is(session.heard.events[0]?.type, 'peer.ready')
})

test('A ticket with another key is refused for good.', async t => {
  const file = sharedBytes(mib)
  await using server = await startServer()
  server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
  const peer = server.peerFor(bob, file.share)
  const forged = { ...peer, ticket: { ...peer.ticket, key: randomBytes(32).toString('base64url') } }
  using session = startSession(forged, file, { connectRelay: () => connectTo(server.port) })
  t.like(await session.heard.next('peer.lost'), { final: true, reason: 'it does not accept our ticket' })
})

test('An expired ticket is refused for good.', async t => {
  const file = sharedBytes(mib)
  await using server = await startServer()
  server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
  const expired = server.peerFor(bob, file.share, Date.now() - 1)
  using session = startSession(expired, file, { connectRelay: () => connectTo(server.port) })
  const outcome = await Promise.race([session.heard.next('peer.lost'), session.heard.next('peer.ready')])
  t.like(outcome, { type: 'peer.lost', final: true, reason: 'it does not accept our ticket' })
})

test("Another person's ticket is refused for good, even with its key.", async t => {
  const file = sharedBytes(mib)
  await using server = await startServer()
  server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
  const carols = server.peerFor({ user: 'carol', device: 'cccccccccccc' }, file.share)
  using session = startSession(carols, file)
  const outcome = await Promise.race([session.heard.next('peer.lost'), session.heard.next('peer.ready')])
  t.like(outcome, { type: 'peer.lost', final: true, reason: 'this ticket belongs to another device' })
})

test('A share that is not on offer is refused for now.', async t => {
  const file = sharedBytes(mib)
  await using server = await startServer()
  using session = startSession(server.peerFor(bob, file.share), file)
  t.like(await session.heard.next('peer.lost'), { final: false, reason: 'this file is not on offer here now' })
})

test('The uploads machine reports each new peer, so that its access can be checked.', async t => {
  const file = sharedBytes(mib)
  await using server = await startServer()
  server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
  using session = startSession(server.peerFor(bob, file.share), file)
  await session.heard.next('peer.ready')
  await server.heard.next('peer.admitted')
  t.pass()
})

test('Revoked access ends what is open at once, and refuses the tickets issued before.', async t => {
  const file = sharedBytes(mib)
  await using server = await startServer()
  server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
  using open = startSession(server.peerFor(bob, file.share), file)
  await open.heard.next('peer.ready')
  const revoke = (of: string) =>
    server.uploads.send({ type: 'access.revoked', revocation: { kind: 'membership', user: 'bob', group: of, seq: 5 } })
  revoke('another group')
  t.is(uploadsStatus(server.uploads.getSnapshot()).sessions, 1)
  revoke(group)
  t.like(await open.heard.next('peer.lost'), { final: false })
  t.is(uploadsStatus(server.uploads.getSnapshot()).sessions, 0)

  using again = startSession(server.peerFor(bob, file.share, undefined, 5), file)
  t.like(await again.heard.next('peer.lost'), { final: true, reason: 'this access was revoked' })
  using readmitted = startSession(server.peerFor(bob, file.share, undefined, 6), file)
  await readmitted.heard.next('peer.ready')
})

test('Revoked access takes back what was on its way to a peer that had not read it.', async t => {
  const file = sharedBytes(32 * mib)
  await using server = await startServer()
  server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
  using fetcher = await startRawFetcher(server.peerFor(bob, file.share), file.manifest, bob)
  await fetcher.next('bitfield')
  fetcher.socket.pause()
  const { blockBytes: length } = peerTunables
  const { pieceLength } = file.manifest
  for (let at = 0; at < 32 * mib; at += length)
    fetcher.send({ type: 'request', piece: Math.floor(at / pieceLength), offset: at % pieceLength, length })
  await waitFor(server.uploads, snapshot => uploadsStatus(snapshot).servedBytes > 0)
  server.uploads.send({ type: 'access.revoked', revocation: { kind: 'membership', user: 'bob', group, seq: 5 } })
  const failure = once(fetcher.socket, 'error')
  fetcher.socket.resume()
  t.like((await failure)[0], { code: 'ECONNRESET' })
})

test('No session outlives its ticket; with a later ticket it continues.', async t => {
  const file = sharedBytes(mib)
  await using server = await startServer(alice, undefined, { settings: { ...uploadTunables, idleAfterMs: 4_000 } })
  server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
  for (let validMs = 1_000; ; validMs *= 2) {
    using session = startSession(server.peerFor(bob, file.share, Date.now() + validMs), file)
    const lost = session.heard.next('peer.lost')
    const isReady = await Promise.race([session.heard.next('peer.ready').then(() => true), lost.then(() => false)])
    // A busy machine may take longer to connect than the ticket lasts.
    if (!isReady) continue
    session.actor.send({ type: 'peer.refreshed', peer: server.peerFor(bob, file.share) })
    t.like(await lost, { final: false, reason: 'this ticket has expired' })
    await session.heard.next('peer.ready')
    return
  }
})

test('A piece that becomes available during a session is announced and can be fetched.', async t => {
  const file = sharedBytes(2 * mib)
  await using server = await startServer()
  const have = createBitfield(4)
  have.add(0)
  server.uploads.send({ type: 'offer.added', offer: offerOf(file, have) })
  using session = startSession(server.peerFor(bob, file.share), file)
  const ready = await session.heard.next('peer.ready')
  t.deepEqual([ready.have.has(0), ready.have.has(2)], [true, false])
  have.add(2)
  server.uploads.send({ type: 'piece.available', share: file.share, piece: 2 })
  t.like(await session.heard.next('peer.have'), { piece: 2 })
  t.true(ready.have.has(2))
  session.actor.send({ type: 'piece.wanted', piece: 2 })
  const { data } = await session.heard.next('piece.received')
  t.true(data.equals(file.bytes.subarray(mib, mib + mib / 2)))
})

test('A piece that the peer does not have is returned, and the session stays.', async t => {
  const file = sharedBytes(2 * mib)
  await using server = await startServer()
  const have = createBitfield(4)
  have.add(0)
  server.uploads.send({ type: 'offer.added', offer: offerOf(file, have) })
  using session = startSession(server.peerFor(bob, file.share), file)
  await session.heard.next('peer.ready')
  session.actor.send({ type: 'piece.wanted', piece: 1 })
  t.like(await session.heard.next('piece.returned'), { piece: 1 })
  session.actor.send({ type: 'piece.wanted', piece: 0 })
  t.like(await session.heard.next('piece.received'), { piece: 0 })
})

test('A finished download takes the place of its unfinished self without losing its peers.', async t => {
  const file = sharedBytes(2 * mib)
  await using server = await startServer()
  server.uploads.send({ type: 'offer.added', offer: offerOf(file, createBitfield(4)) })
  using session = startSession(server.peerFor(bob, file.share), file)
  await session.heard.next('peer.ready')
  server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
  for (let piece = 0; piece < 4; piece++) t.like(await session.heard.next('peer.have'), { piece })
  session.actor.send({ type: 'piece.wanted', piece: 3 })
  t.like(await session.heard.next('piece.received'), { piece: 3 })
})

test('A removed offer says goodbye to its peers.', async t => {
  const file = sharedBytes(mib)
  await using server = await startServer()
  server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
  using session = startSession(server.peerFor(bob, file.share), file)
  await session.heard.next('peer.ready')
  server.uploads.send({ type: 'offer.removed', share: file.share })
  t.like(await session.heard.next('peer.lost'), { final: false, reason: 'this file is no longer on offer here' })
})

test('A file that can no longer be read is withdrawn, and reported once.', async t => {
  const file = sharedBytes(2 * mib)
  await using server = await startServer()
  const read = async () => {
    throw new Error('the file changed')
  }
  server.uploads.send({ type: 'offer.added', offer: { ...offerOf(file), read } })
  using session = startSession(server.peerFor(bob, file.share), file)
  await session.heard.next('peer.ready')
  session.actor.send({ type: 'piece.wanted', piece: 0 })
  session.actor.send({ type: 'piece.wanted', piece: 1 })
  t.like(await session.heard.next('piece.returned'), { piece: 0 })
  t.like(await session.heard.next('peer.lost'), { final: false })
  const failed = server.heard.events.filter(event => event.type === 'offer.failed')
  t.like(failed, [{ share: file.share, error: { message: 'the file changed' } }])
  t.is(failed.length, 1)
})

test('A peer that connects again replaces its earlier session.', async t => {
  const file = sharedBytes(mib)
  await using server = await startServer()
  server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
  using first = startSession(server.peerFor(bob, file.share), file)
  await first.heard.next('peer.ready')
  using second = startSession(server.peerFor(bob, file.share), file)
  await second.heard.next('peer.ready')
  await first.heard.next('peer.lost')
  t.like(uploadsStatus(server.uploads.getSnapshot()), { sessions: 1, peers: 1 })
})

test('A cancelled piece can be wanted again and arrives whole.', async t => {
  const file = sharedBytes(2 * mib)
  await using server = await startServer()
  server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
  using session = startSession(server.peerFor(bob, file.share), file)
  await session.heard.next('peer.ready')
  session.actor.send({ type: 'piece.wanted', piece: 1 })
  session.actor.send({ type: 'piece.unwanted', piece: 1 })
  session.actor.send({ type: 'piece.wanted', piece: 1 })
  const { data } = await session.heard.next('piece.received')
  t.true(data.equals(file.bytes.subarray(mib / 2, mib)))
})

test('An address in use is a refusal that says what to do.', async t => {
  const squatter = createServer().listen(0, '127.0.0.1')
  await once(squatter, 'listening')
  t.teardown(() => squatter.close())
  const { port } = squatter.address() as { port: number }
  const heard = recordEvents<UploadsEvent>()
  const machine = provideUploads({ ticketKey: randomBytes(32), acceptRelayed: () => () => {} })
  const uploads = createActor(machine, { input: { listen: { host: '127.0.0.1', port }, parent: heard.ref } }).start()
  const { refusal } = await heard.next('uploads.failed')
  t.is(refusal.code, 'usage')
  t.regex(refusal.message, /in use.*--listen/)
  t.is(uploads.getSnapshot().status, 'done')
})

test('A peer whose agent has gone is lost for now.', async t => {
  const file = sharedBytes(mib)
  const server = await startServer()
  server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
  using session = startSession(server.peerFor(bob, file.share), file)
  await session.heard.next('peer.ready')
  server.uploads.stop()
  t.like(await session.heard.next('peer.lost'), { final: false, reason: 'it broke off the connection' })
})

test('Uploaded bytes are counted.', async t => {
  const file = sharedBytes(mib)
  await using server = await startServer()
  server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
  await fetchAll(server.peerFor(bob, file.share), file)
  await new Promise<void>(resolve => {
    server.uploads.subscribe(snapshot => {
      if (uploadsStatus(snapshot).sessions === 0) resolve()
    })
  })
  t.is(uploadsStatus(server.uploads.getSnapshot()).servedBytes, mib)
})
