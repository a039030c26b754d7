// Keeps enough block requests outstanding at one peer that it never idles, and measures what it delivers. Without a
// download cap it asks as far ahead as the peer's rate warrants; under a cap it asks for one block at a time, each after
// a claim on the device's throttle. Does no I/O: `send` writes the requests.

import type { PeerSettings } from '../../../config/swarm.ts'
import { pieceSize } from '../../domain/manifest.ts'
import type { Block, FileShape } from '../../wire/frames.ts'
import { type BlockRequests, createBlockRequests } from './block-requests.ts'
import type { BufferPool } from './buffer-pool.ts'
import { blocksAhead, createDeliveryRate } from './delivery-rate.ts'
import { DeliveryWatch } from './delivery-watch.ts'
import type { Throttle } from './throttle.ts'

export interface RequestPipelineNeeds {
  readonly share: string
  readonly shape: FileShape
  readonly buffers: BufferPool
  /** Of the whole device, over all its downloads. */
  readonly throttle: Throttle
  readonly settings: PeerSettings
  send(blocks: readonly Block[]): void
  /** Milliseconds that never go back. */
  readonly now?: () => number
}

export class RequestPipeline {
  readonly #needs: RequestPipelineNeeds
  readonly #now: () => number
  readonly #requests: BlockRequests
  readonly #rate = createDeliveryRate()
  readonly #watch: DeliveryWatch
  #unmeasuredBytes = 0
  /** Under a cap: a claim on the throttle is pending. */
  #hasClaim = false
  /** Under a cap: the rest of the piece requested last has not been requested yet. */
  #isPieceBegun = false
  #isStopped = false

  constructor(needs: RequestPipelineNeeds) {
    this.#needs = needs
    this.#now = needs.now ?? (() => performance.now())
    this.#requests = createBlockRequests(needs.shape, needs.buffers)
    this.#watch = new DeliveryWatch(needs.settings)
  }

  get bytesPerSecond(): number | undefined {
    return this.#rate.bytesPerSecond
  }

  /** Requests the piece, after those wanted before it. */
  want(piece: number): void {
    this.#requests.want(piece)
  }

  /** Returns the requested blocks of the piece, for the peer to cancel. */
  unwant(piece: number): readonly Block[] {
    return this.#requests.unwant(piece)
  }

  /** Where the block's bytes go; undefined when it was cancelled. Throws a FrameError when it was not requested. */
  target(block: Block): Uint8Array | undefined {
    return this.#requests.target(block)
  }

  bytesArrived(count: number): void {
    this.#unmeasuredBytes += count
    this.#watch.bytesArrived(count)
  }

  /** Returns the piece that the block completes, if it does. Throws a FrameError when the block was not requested. */
  arrived(block: Block): { readonly piece: number; readonly data: Buffer } | undefined {
    const whole = this.#requests.arrived(block)
    this.#watch.restart()
    this.#measure(this.#now())
    return whole
  }

  /** True when the block was still wanted. Throws a FrameError when it was not requested. */
  refused(piece: number, offset: number): boolean {
    const isWanted = this.#requests.refused(piece, offset)
    this.#measure(this.#now())
    return isWanted
  }

  /**
   * Due every `checkEveryMs`. Also measures a peer that is slow over a block, so that the download can turn to a faster
   * one in time.
   */
  check(): 'idle' | 'delivering' | 'silent' {
    if (this.#requests.outstanding === 0) return 'idle'
    if (this.#watch.check()) return 'silent'
    this.#measure(this.#now())
    return 'delivering'
  }

  /** Sends as many requests as the peer's rate and the cap allow. */
  fill(): void {
    const room = blocksAhead(this.#rate.bytesPerSecond ?? 0) - this.#requests.outstanding
    if (this.#needs.throttle.isCapped) this.#claimBlock(room)
    else this.#request(this.#requests.next(room))
  }

  /** A pending claim requests nothing. */
  stop(): void {
    this.#isStopped = true
  }

  /** A block that waits for the throttle is not outstanding, so the wait is not mistaken for the peer's silence. */
  #claimBlock(room: number): void {
    if (this.#hasClaim || room <= 0) return
    this.#hasClaim = true
    this.#needs.throttle.claim({
      key: this.#needs.share,
      isBegun: this.#isPieceBegun,
      use: () => this.#useClaim(),
    })
  }

  #useClaim(): number {
    this.#hasClaim = false
    const [block] = this.#isStopped ? [] : this.#requests.next(1)
    if (!block) return 0
    this.#isPieceBegun = block.offset + block.length < pieceSize(this.#needs.shape, block.piece)
    this.#request([block])
    this.fill()
    return block.length
  }

  #request(blocks: readonly Block[]): void {
    if (blocks.length === 0) return
    if (this.#requests.outstanding === blocks.length) this.#watch.restart()
    this.#rate.began(this.#now())
    this.#needs.send(blocks)
  }

  #measure(nowMs: number): void {
    this.#rate.delivered(this.#unmeasuredBytes, nowMs, this.#requests.outstanding === 0)
    this.#unmeasuredBytes = 0
  }
}
