// The fetching side of one connection to one peer: proves itself, requests blocks and hands over whole pieces. Ends with
// exactly one `connection.ended`. Holds no more than the pieces wanted from the peer, whatever the peer sends.
// What the peer may say is peer-protocol.ts; how far ahead to ask, and when the peer counts as silent, request-pipeline.ts.

import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { type CallbackActorLogic, fromCallback } from 'xstate'
import { type PeerSettings, peerTunables } from '../../../config/swarm.ts'
import type { Bitfield } from '../../domain/bitfield.ts'
import { type DeviceRef, deviceKey } from '../../domain/device-ref.ts'
import { pieceCount, pieceSize } from '../../domain/manifest.ts'
import type {
  PeerConnectionCommand,
  PeerConnectionEvent,
  PeerConnectionInput,
} from '../../machines/download-session-protocol.ts'
import type { PeerKey } from '../../machines/swarm-protocol.ts'
import { encodeFrame } from '../../wire/frame-codecs.ts'
import { type Block, FrameError, type RefusalReason } from '../../wire/frames.ts'
import type { SwarmPeer } from '../../wire/tracker-api.ts'
import type { BufferPool } from './buffer-pool.ts'
import { CapacityReport } from './capacity-report.ts'
import { type ConnectionCap, createConnectionCap } from './connection-cap.ts'
import { checkEveryMs } from './idle-watch.ts'
import { PeerProtocol, type PeerProtocolHandler } from './peer-protocol.ts'
import { RequestPipeline } from './request-pipeline.ts'
import { createThrottle, type Throttle } from './throttle.ts'
import { describeFailure, secureAsFetcher } from './tls.ts'

export interface PeerConnectionNeeds {
  readonly me: DeviceRef
  /** Opens a relayed channel. A failure shows as an error of the stream. */
  connectRelay(to: SwarmPeer): Duplex
  /** Provides the buffers for pieces. The receiver of a piece returns its buffer after use. */
  readonly buffers: BufferPool
  /** This device's caps, over all downloads; none when left out. */
  readonly fetching?: Throttle
  readonly connections?: ConnectionCap
  readonly settings?: PeerSettings
}

interface PeerConnectionParts extends PeerConnectionInput, Required<Omit<PeerConnectionNeeds, 'connections'>> {
  send(event: PeerConnectionEvent): void
  /** Gives back the place under the cap on connections. */
  leave(): void
}

const tooMany = 'this device has as many peers as its limit allows'

class PeerConnection implements PeerProtocolHandler {
  readonly #parts: PeerConnectionParts
  readonly #peer: PeerKey
  readonly #socket: TLSSocket
  readonly #protocol: PeerProtocol
  readonly #pipeline: RequestPipeline
  readonly #capacity: CapacityReport
  readonly #checking: NodeJS.Timeout
  #isSecured = false
  #hasEnded = false
  #failure: Error | undefined
  #refusals = 0
  #declines = 0

  constructor(parts: PeerConnectionParts) {
    const { peer, share, shape, via, settings, buffers, fetching } = parts
    this.#parts = parts
    this.#peer = deviceKey(peer)
    this.#pipeline = new RequestPipeline({
      share,
      shape,
      buffers,
      throttle: fetching,
      settings,
      send: blocks => this.#request(blocks),
    })
    this.#capacity = new CapacityReport(shape, capacity => this.#send({ type: 'peer.capacity', ...capacity }))
    this.#protocol = new PeerProtocol(shape, this, {
      blockTarget: block => this.#pipeline.target(block),
      onBlockBytes: count => this.#pipeline.bytesArrived(count),
      onBlock: block => this.#onBlock(block),
    })
    const carrier = via === 'direct' ? peer : parts.connectRelay(peer)
    this.#socket = secureAsFetcher(carrier, peer.ticket, bytes => this.#onBytes(bytes))
    this.#socket.once('secureConnect', () => this.#onSecured())
    this.#socket.on('error', error => {
      this.#failure = error
    })
    this.#socket.on('close', () => this.#onClose())
    this.#checking = setInterval(() => this.#check(), checkEveryMs(settings.silentAfterMs))
  }

  obey(command: PeerConnectionCommand): void {
    if (this.#hasEnded) return
    if (command.type === 'unchoke.passed') {
      this.#socket.write(encodeFrame({ type: 'pass' }))
      return
    }
    if (command.type === 'piece.unwanted') this.#cancel(command.piece)
    else this.#pipeline.want(command.piece)
    this.#pipeline.fill()
  }

  end(reason: string, final: boolean): void {
    if (this.#hasEnded) return
    this.close()
    this.#parts.send({ type: 'connection.ended', reason, final })
  }

  /** Ends it without a word. */
  close(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#protocol.stop()
    this.#pipeline.stop()
    clearInterval(this.#checking)
    this.#parts.leave()
    this.#socket.destroy()
  }

  onBitfield(have: Bitfield): void {
    this.#send({ type: 'peer.ready', via: this.#parts.via, have })
    this.#capacity.update(this.#pipeline.bytesPerSecond)
  }

  onHave(piece: number): void {
    this.#send({ type: 'peer.have', piece })
  }

  onRefused(piece: number, offset: number, why: RefusalReason): void {
    if (this.#pipeline.refused(piece, offset)) {
      if (this.#refusesTooMuch(why)) {
        this.end('it refuses what it says it has', false)
        return
      }
      this.#cancel(piece)
      this.#send({ type: 'piece.returned', piece, why, reason: `the peer says: ${why}` })
    }
    this.#pipeline.fill()
  }

  onUnchoked(): void {
    this.#send({ type: 'peer.unchoked' })
  }

  onFresh(fresh: Bitfield): void {
    this.#send({ type: 'peer.fresh', fresh })
  }

  onLimit(bytesPerSecond: number): void {
    this.#send({ type: 'peer.limited', bytesPerSecond })
  }

  onBye(reason: string, retry: boolean): void {
    this.end(reason, !retry)
  }

  #send(event: WithoutPeer<Extract<PeerConnectionEvent, { peer: PeerKey }>>): void {
    this.#parts.send({ ...event, peer: this.#peer } as PeerConnectionEvent)
  }

  #onSecured(): void {
    this.#isSecured = true
    this.#socket.write(encodeFrame({ type: 'hello', holder: this.#parts.me }))
    this.#parts.send({ type: 'connection.secured' })
  }

  #onBytes(bytes: Buffer): void {
    try {
      this.#protocol.write(bytes)
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      this.end(`it broke the protocol: ${error.message}`, true)
    }
  }

  #onBlock(block: Block): void {
    const half = pieceSize(this.#parts.shape, block.piece) / 2
    if (block.offset < half && block.offset + block.length >= half)
      this.#socket.write(encodeFrame({ type: 'taken', piece: block.piece }))
    const whole = this.#pipeline.arrived(block)
    if (whole) this.#send({ type: 'piece.received', ...whole })
    this.#capacity.update(this.#pipeline.bytesPerSecond)
    this.#pipeline.fill()
  }

  #onClose(): void {
    const { reason, refused } = this.#failure
      ? describeFailure(this.#failure)
      : { reason: 'it hung up', refused: false }
    // Once both sides are proven, a TLS error says nothing about our ticket: the bytes were altered on the way.
    if (this.#isSecured && refused) this.end('what it sent was damaged on the way', false)
    else this.end(reason, refused)
  }

  #check(): void {
    const state = this.#pipeline.check()
    if (state === 'silent') this.end('it has gone silent, or nearly so', false)
    if (state === 'delivering') this.#capacity.update(this.#pipeline.bytesPerSecond)
  }

  #request(blocks: readonly Block[]): void {
    this.#socket.write(Buffer.concat(blocks.map(block => encodeFrame({ type: 'request', ...block }))))
  }

  #cancel(piece: number): void {
    for (const block of this.#pipeline.unwant(piece)) this.#socket.write(encodeFrame({ type: 'cancel', ...block }))
  }

  /** Any peer may decline a piece once, and may be busy. */
  #refusesTooMuch(why: RefusalReason): boolean {
    if (why === 'gone') this.#refusals += 1
    if (why === 'declined') this.#declines += 1
    return this.#refusals > this.#parts.settings.maxRefusals || this.#declines > pieceCount(this.#parts.shape)
  }
}

type WithoutPeer<E> = E extends unknown ? Omit<E, 'peer'> : never

export function createPeerConnection(
  needs: PeerConnectionNeeds,
): CallbackActorLogic<PeerConnectionCommand, PeerConnectionInput> {
  const {
    fetching = createThrottle(),
    connections = createConnectionCap(),
    settings = peerTunables,
    me,
    buffers,
    connectRelay,
  } = needs
  return fromCallback<PeerConnectionCommand, PeerConnectionInput>(({ input, sendBack, receive }) => {
    const send = (event: PeerConnectionEvent) => sendBack(event)
    const leave = connections.enter(input.share, () => connection.end(tooMany, false))
    if (!leave) return send({ type: 'connection.ended', reason: tooMany, final: false })
    const connection = new PeerConnection({ ...input, me, buffers, connectRelay, fetching, settings, send, leave })
    receive(command => connection.obey(command))
    return () => connection.close()
  })
}
