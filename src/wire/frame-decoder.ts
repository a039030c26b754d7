// Frames out of what a socket gives, in whatever pieces it comes.

import { peerTunables } from '../../config/swarm.ts'
import { decodePayload, payloadSpan } from './frame-codecs.ts'
import {
  type Block,
  blockHeaderBytes,
  decodeBlockHeader,
  type FileShape,
  type Frame,
  FrameError,
  type FrameType,
  frameTypeOf,
  prefixBytes,
} from './frames.ts'

export interface FrameReader {
  onFrame(frame: Frame): void
  /**
   * Where a block's bytes go as they arrive: exactly `length` bytes; undefined lets them pass unkept.
   * Throws a FrameError when it was not requested.
   */
  blockTarget?(block: Block): Uint8Array | undefined
  /** Some of the target has been filled. */
  onBlockBytes?(count: number): void
  /** All of it has. */
  onBlock?(block: Block): void
}

export interface FrameDecoder {
  /** Takes what the socket gave; nothing of `chunk` is kept. Throws a FrameError, and then takes no more. */
  write(chunk: Buffer): void
  /** Ignores whatever else comes, also the rest of a chunk being written. */
  stop(): void
}

/** Decodes the types in `accepts`; any other, and whatever the file of that shape cannot have, is a FrameError. */
export function createFrameDecoder(accepts: readonly FrameType[], shape: FileShape, reader: FrameReader): FrameDecoder {
  const allowances = new Map(accepts.map(type => [type, payloadSpan(type, shape)]))
  const largest = Math.max(...accepts.filter(type => type !== 'block').map(type => allowances.get(type)![1]), 8)
  /** The frame being gathered: all of it, or up to a block's payload. */
  const gathered = Buffer.alloc(prefixBytes + largest)
  let filled = 0
  let needed = prefixBytes
  let type: FrameType | undefined
  let block: { readonly of: Block; readonly target: Uint8Array | undefined; filled: number } | undefined
  let stopped = false
  let ended = 0
  let smallReads = 0

  /** A small read costs as much as a large one. */
  const countSmallRead = (bytes: number, endedBefore: number) => {
    if (bytes >= peerTunables.smallReadBytes || ended > endedBefore) return
    smallReads += 1
    if (smallReads > peerTunables.maxSmallReads) throw new FrameError('too many small reads')
  }

  const startOver = () => {
    ended += 1
    filled = 0
    needed = prefixBytes
    type = undefined
    block = undefined
  }

  const readPrefix = () => {
    type = frameTypeOf(gathered[4]!)
    const allowed = type && allowances.get(type)
    if (!allowed) throw new FrameError(`a frame of type ${gathered[4]} here`)
    const payloadBytes = gathered.readUInt32BE(0) - 1
    if (payloadBytes < allowed[0] || payloadBytes > allowed[1])
      throw new FrameError(`a ${type} frame of ${payloadBytes} bytes`)
    needed = type === 'block' ? blockHeaderBytes : prefixBytes + payloadBytes
  }

  const startBlock = () => {
    const of = decodeBlockHeader(gathered, shape)
    block = { of, target: reader.blockTarget?.(of), filled: 0 }
  }

  const gather = (chunk: Buffer, from: number): number => {
    const taken = Math.min(needed - filled, chunk.length - from)
    chunk.copy(gathered, filled, from, from + taken)
    filled += taken
    if (filled < needed) return taken
    if (type === undefined) readPrefix()
    if (filled < needed) return taken
    if (type === 'block') startBlock()
    else {
      const frame = decodePayload(type!, gathered.subarray(prefixBytes, needed), shape)
      startOver()
      reader.onFrame(frame)
    }
    return taken
  }

  const fill = (current: NonNullable<typeof block>, chunk: Buffer, from: number): number => {
    const taken = Math.min(current.of.length - current.filled, chunk.length - from)
    if (current.target) chunk.copy(current.target, current.filled, from, from + taken)
    current.filled += taken
    reader.onBlockBytes?.(taken)
    if (current.filled === current.of.length) {
      startOver()
      smallReads = Math.max(0, smallReads - peerTunables.smallReadsPerBlock)
      reader.onBlock?.(current.of)
    }
    return taken
  }

  return {
    write(chunk) {
      try {
        const endedBefore = ended
        for (let at = 0; at < chunk.length && !stopped; ) at += block ? fill(block, chunk, at) : gather(chunk, at)
        countSmallRead(chunk.length, endedBefore)
      } catch (error) {
        stopped = true
        throw error
      }
    },
    stop() {
      stopped = true
    },
  }
}
