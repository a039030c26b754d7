// Which blocks of which pieces one link has asked for and still waits for, and the buffers they are gathered in.
// Every request is answered once, by a block or a refusal, so what is outstanding is always known: a block that nobody
// asked for, or that was answered before, is a FrameError. Does no I/O.

import { peerTunables } from '../../../config/swarm.ts'
import { pieceSize } from '../../domain/manifest.ts'
import { type Block, type FileShape, FrameError } from '../../wire/frames.ts'
import type { BufferPool } from './buffer-pool.ts'

interface Gathering {
  readonly piece: number
  readonly data: Buffer
  /** Where the first block not asked for yet begins, among those never asked for. */
  nextOffset: number
  /** Blocks that have arrived, in bytes. */
  arrivedBytes: number
}

export interface BlockRequests {
  /** Blocks asked for and not answered. */
  readonly outstanding: number
  /** A piece to gather; asked for after those wanted before. False when it is being gathered already. */
  want(piece: number): boolean
  /** No longer; the blocks to cancel. */
  unwant(piece: number): Block[]
  /** Up to `most` blocks to ask for now. */
  next(most: number): Block[]
  /** Where an arriving block's bytes go; undefined when it was cancelled meanwhile. Throws a FrameError when not asked for. */
  target(block: Block): Uint8Array | undefined
  /** A block has arrived whole; the piece, when that was its last. */
  arrived(block: Block): { readonly piece: number; readonly data: Buffer } | undefined
  /** True when the block was still wanted: then its piece will not come. Throws a FrameError when not asked for. */
  refused(piece: number, offset: number): boolean
}

/** Pieces are gathered in buffers of `buffers`, which go with the piece. */
export function createBlockRequests(shape: FileShape, buffers: BufferPool): BlockRequests {
  /** Insertion order is the order in which they are asked for. */
  const gatherings = new Map<number, Gathering>()
  /** Key of an outstanding block -> who waits for it; undefined when it was cancelled. */
  const asked = new Map<string, Gathering | undefined>()
  const key = (piece: number, offset: number) => `${piece} ${offset}`
  const length = (piece: number, offset: number) => Math.min(peerTunables.blockBytes, pieceSize(shape, piece) - offset)

  const answer = (piece: number, offset: number): Gathering | undefined => {
    const at = key(piece, offset)
    if (!asked.has(at)) throw new FrameError(`an answer about piece ${piece} at ${offset} that nobody asked for`)
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
          // A cancelled copy of the same block is still to be answered: the two answers could not be told apart.
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
      if (!asked.has(at)) throw new FrameError(`a block of piece ${piece} at ${offset} that nobody asked for`)
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
