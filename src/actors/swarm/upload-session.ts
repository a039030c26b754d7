// The serving side of one connection: tells the peer what there is, announces what is added, and lets a peer go that is
// idle or whose ticket expires. How requests are answered is upload-requests.ts; how blocks are sent, block-sender.ts.
// Ends with exactly one `upload-session.ended`, unless it is cut.

import type { TLSSocket } from 'node:tls'
import { type CallbackActorLogic, fromCallback } from 'xstate'
import { type UploadSettings, uploadTunables } from '../../../config/swarm.ts'
import { type Bitfield, createBitfield } from '../../domain/bitfield.ts'
import type { Offer } from '../../machines/swarm-protocol.ts'
import type { UploadSessionCommand, UploadSessionEvent, UploadSessionInput } from '../../machines/uploads-protocol.ts'
import { encodeFrame } from '../../wire/frame-codecs.ts'
import { createFrameDecoder, type FrameDecoder } from '../../wire/frame-decoder.ts'
import { type Block, type Frame, FrameError, speaksLimits } from '../../wire/frames.ts'
import { type BlockQueue, createBlockQueue } from './block-queue.ts'
import { BlockSender } from './block-sender.ts'
import { type BufferPool, createBufferPool } from './buffer-pool.ts'
import { checkEveryMs, IdleWatch } from './idle-watch.ts'
import { LimitNotice } from './limit-notice.ts'
import { createRequestQuota } from './request-quota.ts'
import { createThrottle, type Throttle } from './throttle.ts'
import { resetConnection } from './tls.ts'
import { UploadRequests } from './upload-requests.ts'
import type { UploadSlots } from './upload-slots.ts'

export interface UploadSessionNeeds {
  /** Hands over the connection of an inbound peer, by its id. */
  takeSocket(id: string): TLSSocket
  /** Of the whole device, over all its sessions. */
  readonly slots: UploadSlots
  readonly throttle?: Throttle | undefined
  readonly settings?: UploadSettings | undefined
}

interface UploadSessionParts extends UploadSessionInput {
  readonly socket: TLSSocket
  readonly slots: UploadSlots
  readonly buffers: BufferPool
  readonly throttle: Throttle
  readonly settings: UploadSettings
  send(event: UploadSessionEvent): void
}

class UploadSession {
  readonly #parts: UploadSessionParts
  readonly #socket: TLSSocket
  readonly #queue: BlockQueue
  readonly #quota = createRequestQuota()
  readonly #requests: UploadRequests
  readonly #sender: BlockSender
  readonly #decoder: FrameDecoder
  readonly #idle = new IdleWatch()
  readonly #timers: readonly NodeJS.Timeout[]
  /** What the peer has been told we have. */
  readonly #told: Bitfield
  #offer: Offer
  #isLeaving = false
  #uncountedBytes = 0

  constructor(parts: UploadSessionParts) {
    const { socket, slots, settings, offer, own, peer } = parts
    this.#parts = parts
    this.#socket = socket
    this.#offer = offer
    this.#told = createBitfield(offer.have.length, offer.have.toBytes())
    this.#queue = createBlockQueue(offer.manifest)
    this.#requests = new UploadRequests({
      id: peer.id,
      slots,
      queue: this.#queue,
      quota: this.#quota,
      hasPiece: piece => this.#offer.have.has(piece),
      onReady: () => this.#sender.send(),
      write: frame => socket.write(encodeFrame(frame)),
      // A peer that takes in refusals is asking for something, so it is not idle.
      refuse: frame => socket.write(encodeFrame(frame), () => this.#idle.restart()),
    })
    this.#sender = this.#createSender()
    this.#decoder = createFrameDecoder(['request', 'cancel', 'taken', 'pass', 'bye'], offer.manifest, {
      onFrame: frame => this.#onFrame(frame),
    })
    this.#timers = [
      setInterval(() => this.#count(), settings.countEveryMs),
      setInterval(() => this.#check(), checkEveryMs(settings.idleAfterMs)),
    ]
    socket.on('data', this.#onData)
    socket.on('close', this.#onClose)
    slots.open(peer.id, peer.ticket.share, own, {
      serve: piece => this.#requests.serve(piece),
      unchoke: () => this.#requests.unchoke(),
    })
    socket.write(encodeFrame({ type: 'bitfield', have: this.#told }))
    socket.resume()
  }

  obey(command: UploadSessionCommand): void {
    if (command.type === 'piece.available') this.#announce(command.piece)
    else if (command.type === 'session.close') this.#leave(command.reason, command.retry)
    else this.#replaceOffer(command.offer)
  }

  /** Without a goodbye: nothing more reaches the peer, not even what is on its way. */
  cut(): void {
    this.#stop()
    this.#socket.off('close', this.#onClose)
    if (!this.#socket.closed) resetConnection(this.#socket)
  }

  #createSender(): BlockSender {
    const { socket, buffers, throttle, peer } = this.#parts
    const canHearLimits = socket.alpnProtocol === speaksLimits
    return new BlockSender({
      id: peer.id,
      queue: this.#queue,
      buffers,
      throttle,
      limitNotice: new LimitNotice(throttle, bytesPerSecond => {
        if (canHearLimits) socket.write(encodeFrame({ type: 'limit', bytesPerSecond }))
      }),
      offer: () => this.#offer,
      write: (bytes, done) => socket.write(bytes, done),
      onServed: bytes => {
        this.#uncountedBytes += bytes
        this.#quota.served(bytes)
      },
      onTaken: () => this.#idle.restart(),
      onReadFailed: (blocks, offer, error) => {
        if (!this.#isLeaving) for (const block of blocks) this.#requests.refuse(block)
        this.#parts.send({ type: 'read.failed', offer, error })
      },
    })
  }

  readonly #onData = (bytes: Buffer): void => {
    try {
      this.#decoder.write(bytes)
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      // The rest of what it floods us with stays unread.
      this.#socket.pause()
      this.#leave('you broke the protocol', false)
    }
  }

  readonly #onClose = (): void => {
    this.#stop()
    this.#count()
    this.#parts.send({ type: 'upload-session.ended', id: this.#parts.peer.id })
  }

  #stop(): void {
    this.#isLeaving = true
    this.#sender.stop()
    for (const timer of this.#timers) clearInterval(timer)
    this.#parts.slots.close(this.#parts.peer.id)
  }

  #leave(reason: string, retry: boolean): void {
    if (this.#isLeaving) return
    this.#isLeaving = true
    this.#sender.stop()
    this.#decoder.stop()
    this.#queue.clear()
    this.#socket.end(encodeFrame({ type: 'bye', retry, reason }))
    setTimeout(() => resetConnection(this.#socket), this.#parts.settings.farewellMs).unref()
  }

  #onFrame(frame: Frame): void {
    const { slots, peer } = this.#parts
    if (frame.type === 'request') this.#onRequest(frame)
    else if (frame.type === 'cancel') this.#requests.cancelled(frame)
    else if (frame.type === 'taken') slots.settled(peer.id, frame.piece)
    else if (frame.type === 'pass') slots.passed(peer.id)
    else this.#socket.destroy()
  }

  #onRequest(block: Block): void {
    // A peer that takes nothing in counts as idle, however much it asks for.
    if (this.#socket.writableLength === 0) this.#idle.restart()
    this.#requests.requested(block)
  }

  #announce(piece: number): void {
    if (!this.#isLeaving && this.#told.add(piece)) this.#socket.write(encodeFrame({ type: 'have', piece }))
  }

  #replaceOffer(offer: Offer): void {
    this.#offer = offer
    this.#socket.cork()
    for (let piece = 0; piece < offer.have.length; piece += 1) if (offer.have.has(piece)) this.#announce(piece)
    this.#socket.uncork()
  }

  #count(): void {
    const { peer, send } = this.#parts
    if (this.#uncountedBytes > 0) send({ type: 'bytes.served', share: peer.ticket.share, bytes: this.#uncountedBytes })
    this.#uncountedBytes = 0
  }

  /** A peer that asks for nothing is as idle as one that takes nothing in. While a read is awaited, neither is its fault. */
  #check(): void {
    if (this.#queue.ready > 0 && this.#socket.writableLength === 0) this.#idle.restart()
    if (this.#idle.check()) this.#leave('nothing was asked for', true)
    if (Date.now() >= this.#parts.peer.ticket.expiresAt) this.#leave('this ticket has expired', true)
  }
}

export function createUploadSession({
  takeSocket,
  slots,
  throttle = createThrottle(),
  settings = uploadTunables,
}: UploadSessionNeeds): CallbackActorLogic<UploadSessionCommand, UploadSessionInput> {
  const buffers = createBufferPool(settings.keptReadBytes)
  return fromCallback<UploadSessionCommand, UploadSessionInput>(({ input, sendBack, receive }) => {
    const socket = takeSocket(input.peer.id)
    const send = (event: UploadSessionEvent) => sendBack(event)
    const session = new UploadSession({ ...input, socket, slots, buffers, throttle, settings, send })
    receive(command => session.obey(command))
    return () => session.cut()
  })
}
