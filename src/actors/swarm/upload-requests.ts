// Answers one peer's requests: each with a block or a refusal, exactly once. A piece is requested by its first block; the
// device's upload slots decide whether and when it is served, and its other blocks follow at once. Does no I/O.

import type { Block, Frame, RefusalReason } from '../../wire/frames.ts'
import type { BlockQueue } from './block-queue.ts'
import type { RequestQuota } from './request-quota.ts'
import type { UploadSlots } from './upload-slots.ts'

export interface UploadRequestsNeeds {
  /** Names the session at the slots. */
  readonly id: string
  readonly slots: UploadSlots
  readonly queue: BlockQueue
  readonly quota: RequestQuota
  hasPiece(piece: number): boolean
  /** Blocks are ready in the queue. */
  onReady(): void
  write(frame: Frame): void
  refuse(frame: Frame): void
}

export class UploadRequests {
  readonly #needs: UploadRequestsNeeds

  constructor(needs: UploadRequestsNeeds) {
    this.#needs = needs
  }

  /** Throws a FrameError when the peer asks for too much. */
  requested(block: Block): void {
    const { quota, queue, hasPiece, onReady } = this.#needs
    quota.requested()
    if (!hasPiece(block.piece)) {
      this.refuse(block)
      return
    }
    const fate = queue.asked(block)
    if (fate === 'ready') onReady()
    else if (fate === 'undecided') this.#askForSlot(block)
    else if (fate !== 'waiting') this.refuse(block, fate.refused)
  }

  /** Throws a FrameError when the peer cancels more than it asked for. */
  cancelled(block: Block): void {
    const { id, quota, queue, slots } = this.#needs
    quota.cancelled()
    const { wasHeld, isSettled } = queue.cancelled(block)
    if (wasHeld) this.refuse(block)
    if (isSettled) slots.settled(id, block.piece)
  }

  /** The piece has a slot. */
  serve(piece: number): void {
    this.#needs.queue.begin(piece)
    this.#needs.onReady()
  }

  unchoke(): void {
    this.#tellFresh()
    this.#needs.write({ type: 'call' })
  }

  refuse({ piece, offset }: Block, why: RefusalReason = 'gone'): void {
    this.#needs.refuse({ type: 'refused', piece, offset, why })
  }

  #askForSlot(block: Block): void {
    const { id, queue, slots } = this.#needs
    const answer = slots.ask(id, block.piece)
    if (answer === 'accepted') {
      queue.accepted(block)
      return
    }
    if (queue.refused(block, answer) && answer === 'declined') this.#tellFresh()
    this.refuse(block, answer)
  }

  #tellFresh(): void {
    const fresh = this.#needs.slots.freshOf(this.#needs.id)
    if (fresh) this.#needs.write({ type: 'fresh', have: fresh })
  }
}
