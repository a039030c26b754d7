// Peers that speak TLS with a genuine ticket and then do as the test likes: for what our own sides must withstand.

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { ticketTunables } from '../../config/swarm.ts'
import { secureAsFetcher, secureAsServer } from '../../src/actors/swarm/tls.ts'
import type { DeviceRef } from '../../src/domain/device-ref.ts'
import { encodeFrame } from '../../src/wire/frame-codecs.ts'
import { createFrameDecoder } from '../../src/wire/frame-decoder.ts'
import type { FileShape, Frame } from '../../src/wire/frames.ts'
import { encodeTicket, ticketPsk } from '../../src/wire/ticket.ts'
import type { SwarmPeer } from '../../src/wire/tracker-api.ts'
import { closed } from './closed.ts'
import { createLookout } from './lookout.ts'
import { alice, bob } from './swarm.ts'
import { createTypedRecord, type TypedRecord } from './typed-record.ts'

export interface RawServer extends AsyncDisposable {
  readonly peer: SwarmPeer
  /** The most connections that were open at once. */
  readonly mostOpen: () => number
}

/** A serving side that hands over every secured connection and each frame that comes on it. */
export async function startRawServer(
  share: string,
  shape: FileShape,
  onFrame: (frame: Frame, socket: TLSSocket) => void,
  me: DeviceRef = alice,
): Promise<RawServer> {
  const ticketKey = randomBytes(32)
  const open = new Set<Socket>()
  let mostOpen = 0
  const server = createServer(raw => {
    open.add(raw.on('error', () => {}).once('close', () => open.delete(raw)))
    mostOpen = Math.max(mostOpen, open.size)
    secureAsServer(raw, ticketKey, socket => {
      const decoder = createFrameDecoder(['hello', 'request', 'cancel', 'taken', 'pass', 'bye'], shape, {
        onFrame: frame => onFrame(frame, socket),
      })
      socket.on('data', (chunk: Buffer) => decoder.write(chunk))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const identity = encodeTicket(share, bob, Date.now() + ticketTunables.lifetimeMs, 1)
  const key = ticketPsk(ticketKey, identity).toString('base64url')
  const { port } = server.address() as AddressInfo
  return {
    mostOpen: () => mostOpen,
    peer: { ...me, host: '127.0.0.1', port, complete: true, ticket: { identity, key } },
    async [Symbol.asyncDispose]() {
      for (const raw of open) raw.destroy()
      server.close()
    },
  }
}

export interface RawFetcher extends Disposable {
  readonly socket: TLSSocket
  /** Everything it has been sent, blocks left out; with the bytes of blocks counted. */
  readonly frames: Frame[]
  readonly blockBytes: () => number
  /** Resolves when that many bytes of blocks have come. */
  arrived(bytes: number): Promise<void>
  send(frame: Frame): void
  /** Resolves when the other side has closed. */
  readonly closed: Promise<unknown>
  readonly next: TypedRecord<Frame>['next']
}

/** A fetching side that has said hello, if `holder` is given, and leaves the rest to the test. */
export async function startRawFetcher(
  peer: SwarmPeer,
  shape: FileShape,
  holder?: DeviceRef,
  over?: Duplex,
): Promise<RawFetcher> {
  const frames = createTypedRecord<Frame>()
  const { look, until } = createLookout({ keepsAlive: false })
  let blockBytes = 0
  const decoder = createFrameDecoder(['bitfield', 'have', 'block', 'refused', 'call', 'fresh', 'limit', 'bye'], shape, {
    onFrame: frames.add,
    onBlockBytes: count => {
      blockBytes += count
      look()
    },
  })
  const socket = secureAsFetcher(over ?? peer, peer.ticket, bytes => decoder.write(bytes))
  const left = closed(socket)
  await once(socket, 'secureConnect')
  const send = (frame: Frame) => void socket.write(encodeFrame(frame))
  if (holder) send({ type: 'hello', holder })
  return {
    socket,
    frames: frames.all,
    blockBytes: () => blockBytes,
    async arrived(bytes) {
      await until(() => blockBytes >= bytes)
    },
    send,
    closed: left,
    next: frames.next,
    [Symbol.dispose]: () => void socket.destroy(),
  }
}
