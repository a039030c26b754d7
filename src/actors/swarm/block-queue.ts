// The blocks that one peer has requested and still waits for. A piece is requested by its first block. Its blocks wait
// until it has an upload slot, and are then ready, in order. A refusal of a piece holds for the rest of its blocks too.
// Never holds more than `uploadTunables.maxBlocksQueued`. Does no I/O.

import { peerTunables, uploadTunables } from '../../../config/swarm.ts'
import { pieceSize } from '../../domain/manifest.ts'
import { type Block, type FileShape, FrameError, type RefusalReason } from '../../wire/frames.ts'

export interface BlockQueue {
  /** Blocks that may be sent now. */
  readonly ready: number
  /**
   * What to do about a request: send what is `ready`, wait for the piece's slot, refuse it, or (`undecided`) ask for a
   * slot and then call `accepted` or `refused`. Throws a FrameError when too many are held.
   */
  asked(block: Block): 'ready' | 'waiting' | 'undecided' | { readonly refused: RefusalReason }
  accepted(block: Block): void
  /** True unless this piece was the one refused last. */
  refused(block: Block, why: RefusalReason): boolean
  /** An accepted piece has its slot. */
  begin(piece: number): void
  /** The first ready block and up to `mostBlocks` in all that follow it without a gap, to be read together. */
  take(mostBlocks: number): readonly Block[]
  /** `wasHeld`: the block will not be sent. `isSettled`: nor will any other of its piece, which needs no slot any more. */
  cancelled(block: Block): { readonly wasHeld: boolean; readonly isSettled: boolean }
  clear(): void
}

export const mostBlocksOfARead = Math.floor(uploadTunables.maxReadBytes / peerTunables.blockBytes)

const follows = (block: Block | undefined, piece: number, offset: number): block is Block =>
  block?.piece === piece && block.offset === offset

export function createBlockQueue(shape: FileShape): BlockQueue {
  const ready: Block[] = []
  /** Pieces that have a slot. */
  const begun = new Set<number>()
  /** Piece -> its blocks, until it has a slot. */
  const waiting = new Map<number, Block[]>()
  let refusedLast: { readonly piece: number; readonly why: RefusalReason } | undefined
  /** Waiting, ready or undecided. */
  let held = 0

  return {
    get ready() {
      return ready.length
    },

    asked(block) {
      held += 1
      if (held > uploadTunables.maxBlocksQueued) throw new FrameError('too many requests at once')
      if (begun.has(block.piece)) {
        ready.push(block)
        return 'ready'
      }
      const blocks = waiting.get(block.piece)
      if (blocks) {
        blocks.push(block)
        return 'waiting'
      }
      if (block.offset === 0 || refusedLast?.piece !== block.piece) return 'undecided'
      held -= 1
      return { refused: refusedLast.why }
    },

    accepted(block) {
      waiting.set(block.piece, [block])
    },

    refused({ piece }, why) {
      held -= 1
      const isAnother = refusedLast?.piece !== piece
      refusedLast = { piece, why }
      return isAnother
    },

    begin(piece) {
      begun.add(piece)
      ready.push(...(waiting.get(piece) ?? []))
      waiting.delete(piece)
    },

    take(mostBlocks) {
      const first = ready[0]
      if (!first) return []
      let length = 1
      let end = first.offset + first.length
      for (let next = ready[1]; length < mostBlocks && follows(next, first.piece, end); next = ready[length]) {
        end += next.length
        length += 1
      }
      held -= length
      // Requested again after its last block, a piece needs a new slot.
      if (end === pieceSize(shape, first.piece)) begun.delete(first.piece)
      return ready.splice(0, length)
    },

    cancelled({ piece, offset }) {
      const blocks = waiting.get(piece) ?? ready
      const at = blocks.findIndex(block => block.piece === piece && block.offset === offset)
      if (at >= 0) {
        blocks.splice(at, 1)
        held -= 1
      }
      const isSettled = !blocks.some(block => block.piece === piece)
      if (isSettled) {
        waiting.delete(piece)
        begun.delete(piece)
      }
      return { wasHeld: at >= 0, isSettled }
    },

    clear() {
      held -= ready.length
      ready.length = 0
    },
  }
}
