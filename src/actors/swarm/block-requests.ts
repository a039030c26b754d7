// The blocks requested from one peer and not answered yet, and the buffers their pieces are gathered in. Each request is
// answered once, by a block or a refusal, so what is outstanding is always known: an answer to no request, or a second
// answer to one, is a FrameError. Does no I/O.

import { peerTunables } from '../../../config/swarm.ts'
import { pieceSize } from '../../domain/manifest.ts'
import { type Block, type FileShape, FrameError } from '../../wire/frames.ts'
import type { BufferPool } from './buffer-pool.ts'

interface Gathering {
  readonly piece: number
  readonly data: Buffer
  /** Where the first block begins that was never requested. */
  nextOffset: number
  /** Bytes of the blocks that have arrived. */
  arrivedBytes: number
}

export interface BlockRequests {
  /** Blocks requested and not answered. */
  readonly outstanding: number
  /** Adds a piece, requested after those wanted before it. False when it is being gathered already. */
  want(piece: number): boolean
  /** Drops a piece; returns its requested blocks, to be cancelled. */
  unwant(piece: number): Block[]
  /** Up to `most` blocks to request now. */
  next(most: number): Block[]
  /** Where an arriving block's bytes go; undefined when it was cancelled. Throws a FrameError when it was not requested. */
  target(block: Block): Uint8Array | undefined
  /** A block has arrived whole. Returns its piece if that completes it. */
  arrived(block: Block): { readonly piece: number; readonly data: Buffer } | undefined
  /** True when the block was still wanted: its piece will not arrive. Throws a FrameError when it was not requested. */
  refused(piece: number, offset: number): boolean
}

/** A piece that is complete takes its buffer, one of `buffers`, with it. */
export function createBlockRequests(shape: FileShape, buffers: BufferPool): BlockRequests {
  /** In the order in which they are requested. */
  const gatherings = new Map<number, Gathering>()
  /** Key of an outstanding block -> the piece it belongs to; undefined when it was cancelled. */
  const asked = new Map<string, Gathering | undefined>()
  const key = (piece: number, offset: number) => `${piece} ${offset}`
  const length = (piece: number, offset: number) => Math.min(peerTunables.blockBytes, pieceSize(shape, piece) - offset)

  const answer = (piece: number, offset: number): Gathering | undefined => {
    const at = key(piece, offset)
    if (!asked.has(at)) throw new FrameError(`an answer about piece ${piece} at ${offset} that was not requested`)
    const gathering = asked.get(at)
    asked.delete(at)
    return gathering
  }

  return {
    get outstanding() {
      return asked.size
    },

    want(piece) {
      if (gatherings.has(piece)) return false
      const data = buffers.take(pieceSize(shape, piece))
      gatherings.set(piece, { piece, data, nextOffset: 0, arrivedBytes: 0 })
      return true
    },

    unwant(piece) {
      const gathering = gatherings.get(piece)
      gatherings.delete(piece)
      if (!gathering) return []
      const blocks: Block[] = []
      for (let offset = 0; offset < gathering.nextOffset; offset += peerTunables.blockBytes) {
        if (asked.get(key(piece, offset)) !== gathering) continue
        asked.set(key(piece, offset), undefined)
        blocks.push({ piece, offset, length: length(piece, offset) })
      }
      return blocks
    },

    next(most) {
      const blocks: Block[] = []
      for (const gathering of gatherings.values()) {
        const { piece, data } = gathering
        while (gathering.nextOffset < data.length) {
          if (blocks.length >= most) return blocks
          const offset = gathering.nextOffset
          // A cancelled request for this block has not been answered yet, and the two answers could not be told apart.
          if (asked.has(key(piece, offset))) break
          asked.set(key(piece, offset), gathering)
          gathering.nextOffset += peerTunables.blockBytes
          blocks.push({ piece, offset, length: length(piece, offset) })
        }
      }
      return blocks
    },

    target({ piece, offset, length: given }) {
      const at = key(piece, offset)
      if (!asked.has(at)) throw new FrameError(`a block of piece ${piece} at ${offset} that was not requested`)
      if (given !== length(piece, offset)) throw new FrameError(`a block of ${given} bytes, not as asked for`)
      return asked.get(at)?.data.subarray(offset, offset + given)
    },

    arrived({ piece, offset, length: given }) {
      const gathering = answer(piece, offset)
      if (!gathering) return undefined
      gathering.arrivedBytes += given
      if (gathering.arrivedBytes < gathering.data.length) return undefined
      gatherings.delete(piece)
      return { piece, data: gathering.data }
    },

    refused(piece, offset) {
      return answer(piece, offset) !== undefined
    },
  }
}
