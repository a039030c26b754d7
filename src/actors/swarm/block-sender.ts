// Reads the blocks that are ready from an offer and writes them to one peer, in order. Reads only while the peer takes
// what it was sent, so that a slow peer holds no more than `uploadTunables.highWaterBytes` and one read; and one read at a
// time, so that no peer's queue holds up another's. Under an upload cap each block waits for the device's throttle.

import { peerTunables, uploadTunables } from '../../../config/swarm.ts'
import type { Offer } from '../../machines/swarm-protocol.ts'
import { totalBytes } from '../../storage/read-fully.ts'
import { type Block, blockHeaderBytes, encodeBlockHeader } from '../../wire/frames.ts'
import { type BlockQueue, mostBlocksOfARead } from './block-queue.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { LimitNotice } from './limit-notice.ts'
import { claimBlock, type Throttle } from './throttle.ts'

export interface BlockSenderNeeds {
  /** Names the session at the throttle. */
  readonly id: string
  readonly queue: BlockQueue
  readonly buffers: BufferPool
  readonly throttle: Throttle
  readonly limitNotice: LimitNotice
  /** The offer that is current now. */
  offer(): Offer
  /** `done` once the peer's system has the bytes, or with the error. */
  write(bytes: Buffer, done: (error?: Error | null) => void): void
  onServed(bytes: number): void
  /** The peer has taken bytes in. */
  onTaken(): void
  onReadFailed(blocks: readonly Block[], offer: Offer, error: Error): void
}

const slotBytes = blockHeaderBytes + peerTunables.blockBytes

/**
 * Lays out neighbouring blocks as they go out, each behind its header, and says where the file's bytes go. In one stretch
 * of memory: several would be copied together before they are encrypted.
 */
function layOut(blocks: readonly Block[], buffer: Buffer): { readonly wire: Buffer; readonly targets: Buffer[] } {
  let end = 0
  const targets = blocks.map(block => {
    encodeBlockHeader(block, buffer.subarray(end))
    const start = end + blockHeaderBytes
    end = start + block.length
    return buffer.subarray(start, end)
  })
  return { wire: buffer.subarray(0, end), targets }
}

export class BlockSender {
  readonly #needs: BlockSenderNeeds
  #isSending = false
  #isStopped = false
  /** Lent to reads, and not yet taken in by the peer. For small blocks this is more than goes over the wire. */
  #heldBytes = 0

  constructor(needs: BlockSenderNeeds) {
    this.#needs = needs
  }

  /** Sends what is ready, as far as the peer takes it in. Goes on by itself as the peer does. */
  async send(): Promise<void> {
    if (this.#isSending) return
    this.#isSending = true
    const { queue, throttle, limitNotice } = this.#needs
    if (!throttle.isCapped) limitNotice.update()
    while (queue.ready > 0 && !this.#isStopped && this.#heldBytes < uploadTunables.highWaterBytes)
      await (throttle.isCapped ? this.#sendClaimed() : this.#sendBlocks(queue.take(mostBlocksOfARead)))
    this.#isSending = false
  }

  stop(): void {
    this.#isStopped = true
  }

  /** The block is chosen only when the throttle lets it through: until then the peer may cancel it. */
  async #sendClaimed(): Promise<void> {
    const { throttle, queue, limitNotice, id } = this.#needs
    let isThrough = false
    const claim = claimBlock(throttle, id, () => {
      isThrough = true
      return this.#isStopped ? undefined : queue.take(1)[0]
    })
    if (!isThrough) limitNotice.update()
    const block = await claim
    if (block) await this.#sendBlocks([block])
  }

  async #sendBlocks(blocks: readonly Block[]): Promise<void> {
    const { buffers, onServed, onReadFailed } = this.#needs
    const { piece, offset } = blocks[0]!
    const offer = this.#needs.offer()
    const lent = buffers.take(blocks.length * slotBytes)
    this.#heldBytes += lent.length
    const { wire, targets } = layOut(blocks, lent)
    try {
      await offer.read(piece, offset, targets)
      if (this.#isStopped) return
      this.#write(wire, lent)
      onServed(totalBytes(targets))
    } catch (error) {
      this.#heldBytes -= lent.length
      onReadFailed(blocks, offer, error as Error)
    }
  }

  #write(wire: Buffer, lent: Buffer): void {
    this.#needs.write(wire, error => {
      if (!error) this.#needs.buffers.give(lent)
      this.#heldBytes -= lent.length
      this.#needs.onTaken()
      this.send()
    })
  }
}
