// What a serving peer may say, and in what order: its bitfield first and once, each piece announced once, an unchoke
// only after it was busy. Anything else is a FrameError. Frames go to a handler; block bytes go straight to their sink.

import { uploadTunables } from '../../../config/swarm.ts'
import type { Bitfield } from '../../domain/bitfield.ts'
import { createFrameDecoder, type FrameDecoder, type FrameReader } from '../../wire/frame-decoder.ts'
import { type FileShape, type Frame, FrameError, type RefusalReason } from '../../wire/frames.ts'

export interface PeerProtocolHandler {
  /** `have` is live: it grows with each `onHave`. */
  onBitfield(have: Bitfield): void
  onHave(piece: number): void
  onRefused(piece: number, offset: number, why: RefusalReason): void
  onUnchoked(): void
  /** Pieces that the peer has given to no one yet. */
  onFresh(fresh: Bitfield): void
  /** The peer's upload cap; 0: no cap. */
  onLimit(bytesPerSecond: number): void
  onBye(reason: string, retry: boolean): void
}

export type BlockSink = Required<Omit<FrameReader, 'onFrame'>>

export class PeerProtocol {
  readonly #handler: PeerProtocolHandler
  readonly #decoder: FrameDecoder
  #have: Bitfield | undefined
  /** It said it was busy, and has not unchoked us since. */
  #mayUnchoke = false
  /** `fresh` costs a look at every piece, so it may come only once before each unchoke or refusal. */
  #hasFresh = false
  #limits = 0

  constructor(shape: FileShape, handler: PeerProtocolHandler, blocks: BlockSink) {
    this.#handler = handler
    this.#decoder = createFrameDecoder(
      ['bitfield', 'have', 'block', 'refused', 'call', 'fresh', 'limit', 'bye'],
      shape,
      { ...blocks, onFrame: frame => this.#onFrame(frame) },
    )
  }

  /** Throws a FrameError when the peer breaks the protocol. Keeps nothing of `bytes`. */
  write(bytes: Buffer): void {
    this.#decoder.write(bytes)
  }

  /** Ignores whatever else arrives. */
  stop(): void {
    this.#decoder.stop()
  }

  #onFrame(frame: Frame): void {
    if (frame.type === 'bye') this.#handler.onBye(frame.reason, frame.retry)
    else if (frame.type === 'bitfield') this.#onBitfield(frame.have)
    else if (!this.#have) throw new FrameError(`${frame.type} before the bitfield`)
    else if (frame.type === 'have') this.#onHave(this.#have, frame.piece)
    else if (frame.type === 'refused') this.#onRefused(frame.piece, frame.offset, frame.why)
    else if (frame.type === 'call') this.#onUnchoked()
    else if (frame.type === 'fresh') this.#onFresh(frame.have)
    else if (frame.type === 'limit') this.#onLimit(frame.bytesPerSecond)
  }

  #onBitfield(have: Bitfield): void {
    if (this.#have) throw new FrameError('a second bitfield')
    this.#have = have
    this.#handler.onBitfield(have)
  }

  #onHave(have: Bitfield, piece: number): void {
    if (!have.add(piece)) throw new FrameError(`piece ${piece} announced twice`)
    this.#handler.onHave(piece)
  }

  #onRefused(piece: number, offset: number, why: RefusalReason): void {
    this.#hasFresh = false
    if (why === 'busy') this.#mayUnchoke = true
    this.#handler.onRefused(piece, offset, why)
  }

  #onUnchoked(): void {
    if (!this.#mayUnchoke) throw new FrameError('an unchoke although it was not busy')
    this.#mayUnchoke = false
    this.#hasFresh = false
    this.#handler.onUnchoked()
  }

  #onFresh(fresh: Bitfield): void {
    if (this.#hasFresh) throw new FrameError('fresh pieces told twice')
    this.#hasFresh = true
    this.#handler.onFresh(fresh)
  }

  /** A person sets a cap by hand, so honest peers seldom send one. */
  #onLimit(bytesPerSecond: number): void {
    this.#limits += 1
    if (this.#limits > uploadTunables.limitsTold) throw new FrameError('a limit that changes all the time')
    this.#handler.onLimit(bytesPerSecond)
  }
}
