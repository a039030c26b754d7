// Both ends of the byte path for tests: a device that serves, tickets for it, offers in memory, and a session's parent
// that records what it hears. Real sockets, real TLS.

import { createHash, randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { PassThrough } from 'node:stream'
import { type ActorRef, type ActorRefFrom, createActor, fromCallback, type Snapshot } from 'xstate'
import { ticketTunables } from '../../config/swarm.ts'
import { createBufferPool } from '../../src/actors/swarm/buffer-pool.ts'
import { provideDownloadSession } from '../../src/actors/swarm/download-session.ts'
import type { PeerConnectionNeeds } from '../../src/actors/swarm/peer-connection.ts'
import type { AcceptRelayed } from '../../src/actors/swarm/peer-listener.ts'
import { provideUploads, type UploadsNeeds } from '../../src/actors/swarm/uploads.ts'
import { type Bitfield, fullBitfield } from '../../src/domain/bitfield.ts'
import type { DeviceRef } from '../../src/domain/device-ref.ts'
import { type Manifest, pieceCount, pieceLengthFor, shareId } from '../../src/domain/manifest.ts'
import type { downloadSessionMachine } from '../../src/machines/download-session.ts'
import type { DownloadSessionEvent, Offer, UploadsEvent } from '../../src/machines/swarm-protocol.ts'
import type { uploadsMachine } from '../../src/machines/uploads.ts'
import { encodeTicket, ticketPsk } from '../../src/wire/ticket.ts'
import type { SwarmPeer } from '../../src/wire/tracker-api.ts'
import { createTypedRecord, type TypedRecord } from './typed-record.ts'

const mib = 1024 * 1024

export const alice: DeviceRef = { user: 'alice', device: 'aaaaaaaaaaaa' }
export const bob: DeviceRef = { user: 'bob', device: 'bbbbbbbbbbbb' }
export const group = 'friends'

export interface SharedBytes {
  readonly bytes: Buffer
  readonly manifest: Manifest
  readonly share: string
}

export function sharedBytes(size: number): SharedBytes {
  const bytes = randomBytes(size)
  const pieceLength = pieceLengthFor(size)
  const hashes = []
  for (let at = 0; at < size; at += pieceLength)
    hashes.push(
      createHash('sha1')
        .update(bytes.subarray(at, at + pieceLength))
        .digest(),
    )
  const manifest: Manifest = {
    name: 'file.bin',
    size,
    sha1: createHash('sha1').update(bytes).digest('hex'),
    sha256: createHash('sha256').update(bytes).digest('hex'),
    pieceLength,
    pieces: Buffer.concat(hashes).toString('base64'),
  }
  return { bytes, manifest, share: shareId(group, manifest) }
}

export function offerOf({ bytes, manifest, share }: SharedBytes, have?: Bitfield): Offer {
  return {
    share,
    group,
    manifest,
    have: have ?? fullBitfield(pieceCount(manifest)),
    read: async (piece, offset, into) => {
      let start = piece * manifest.pieceLength + offset
      for (const target of into) start += bytes.copy(target, 0, start, start + target.length)
    },
  }
}

/** Everything that an actor under test says to its parent, and a way to wait for it. */
export interface Recorder<Event extends { type: string }> {
  readonly ref: ActorRef<Snapshot<unknown>, Event>
  readonly events: Event[]
  readonly next: TypedRecord<Event>['next']
}

export function recordEvents<Event extends { type: string }>(react?: (event: Event) => void): Recorder<Event> {
  const { all: events, add, next } = createTypedRecord<Event>()
  const logic = fromCallback<Event>(({ receive }) =>
    receive(event => {
      add(event)
      react?.(event)
    }),
  )
  const ref = createActor(logic).start() as unknown as ActorRef<Snapshot<unknown>, Event>
  return { ref, events, next }
}

export interface TestServer extends AsyncDisposable {
  readonly uploads: ActorRefFrom<typeof uploadsMachine>
  readonly heard: Recorder<UploadsEvent>
  readonly ticketKey: Buffer
  readonly port: number
  /** This server as a tracker would name it to that holder. */
  peerFor(holder: DeviceRef, share: string, expiresAt?: number, seq?: number): SwarmPeer
}

const nobodyRelays: AcceptRelayed = () => () => {}

export async function startServer(
  me: DeviceRef = alice,
  acceptRelayed: AcceptRelayed = nobodyRelays,
  more: Omit<UploadsNeeds, 'ticketKey' | 'acceptRelayed'> = {},
): Promise<TestServer> {
  const ticketKey = randomBytes(32)
  const heard = recordEvents<UploadsEvent>()
  const uploads = createActor(provideUploads({ ticketKey, acceptRelayed, ...more }), {
    input: { listen: { host: '127.0.0.1', port: 0 }, parent: heard.ref },
  }).start()
  const { port } = await heard.next('uploads.opened')
  return {
    uploads,
    heard,
    ticketKey,
    port,
    peerFor: (holder, share, expiresAt = Date.now() + ticketTunables.lifetimeMs, seq = 1) => {
      const identity = encodeTicket(share, holder, expiresAt, seq)
      const key = ticketPsk(ticketKey, identity).toString('base64url')
      return { ...me, host: '127.0.0.1', port, complete: true, ticket: { identity, key } }
    },
    async [Symbol.asyncDispose]() {
      uploads.stop()
    },
  }
}

/** A relay that reaches no peer. */
export const noRelay = (): Duplex => {
  const channel = new PassThrough()
  queueMicrotask(() => channel.destroy(new Error('nobody listens there')))
  return channel
}

export interface TestSession extends Disposable {
  readonly actor: ActorRefFrom<typeof downloadSessionMachine>
  readonly heard: Recorder<DownloadSessionEvent>
}

export function startSession(
  peer: SwarmPeer,
  { share, manifest }: Pick<SharedBytes, 'share' | 'manifest'>,
  needs: Partial<PeerConnectionNeeds> = {},
  react?: (event: DownloadSessionEvent) => void,
): TestSession {
  const heard = recordEvents<DownloadSessionEvent>(react)
  const machine = provideDownloadSession({ me: bob, connectRelay: noRelay, buffers: createBufferPool(mib), ...needs })
  const actor = createActor(machine, { input: { peer, share, manifest, parent: heard.ref } }).start()
  return { actor, heard, [Symbol.dispose]: () => actor.stop() }
}

/**
 * Fetches everything over a session as a download would: never more at once than its capacity. Aborting makes it reject, and
 * the session end.
 */
export async function fetchAll(
  peer: SwarmPeer,
  file: SharedBytes,
  needs: Partial<PeerConnectionNeeds> = {},
  signal?: AbortSignal,
) {
  const count = pieceCount(file.manifest)
  const bytes = Buffer.alloc(file.manifest.size)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
  let next = 0
  let inFlight = 0
  let arrived = 0
  let capacity = 0
  let via = ''
  /** For a call, or for the session to be ready again. */
  const waiting: number[] = []
  const wantAgain = (pieces: readonly number[]) => {
    for (const piece of pieces) session.actor.send({ type: 'piece.wanted', piece })
  }
  const ask = () => {
    for (; inFlight < capacity && next < count; inFlight++) session.actor.send({ type: 'piece.wanted', piece: next++ })
    if (arrived === count) resolve()
  }
  using session = startSession(peer, file, needs, event => {
    if (event.type === 'peer.ready') {
      via = event.via
      wantAgain(waiting.splice(0))
    }
    if (event.type === 'peer.capacity') capacity = event.pieces
    // Otherwise it tries again by itself; a busy machine may make a handshake late.
    if (event.type === 'peer.lost' && event.final) reject(new Error(event.reason))
    if (event.type === 'piece.received') {
      event.data.copy(bytes, event.piece * file.manifest.pieceLength)
      inFlight--
      arrived++
    }
    if (event.type === 'piece.returned' && event.why === 'declined') wantAgain([event.piece])
    if (event.type === 'piece.returned' && ['busy', 'lost'].includes(event.why)) waiting.push(event.piece)
    if (event.type === 'peer.unchoked') wantAgain(waiting.splice(0))
    ask()
  })
  await promise
  return { bytes, via }
}
