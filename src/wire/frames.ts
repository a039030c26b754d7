// The peer-to-peer frames, inside TLS: `length u32 | type u8 | payload`, big endian; `length` counts type and payload.
// The fetching side opens a link for one share and asks; the serving side answers every request exactly once, with a
// block or a refusal. Lengths are checked before a payload is awaited, and a block's bytes go straight to where their
// owner wants them, so a hostile peer cannot make us hold more than one small frame.
//   hello     fetcher -> server  user and device of the holder of the ticket, `user/device` in UTF-8
//   bitfield  server -> fetcher  the pieces it has (domain/bitfield.ts), once, before anything else
//   have      server -> fetcher  piece u32: one more, each announced once, here or in the bitfield
//   request   fetcher -> server  piece u32, offset u32, length u32: one block
//   cancel    fetcher -> server  the same three: no longer wanted; if it is not on its way yet, `refused` answers it
//   block     server -> fetcher  piece u32, offset u32, bytes
//   refused   server -> fetcher  piece u32, offset u32, why u8 (`refusalReasons`): this block will not come
//   call      server -> fetcher  who was refused because others are served: ask now, or pass
//   pass      fetcher -> server  called, and wants nothing
//   fresh     server -> fetcher  a bitfield as above: what it gave to nobody yet, and had better be asked for
//   taken     fetcher -> server  piece u32: half of it has arrived, so that the next can be served when all of it has
//   limit     server -> fetcher  bytes a second u48: what it asked for waits, for the server uploads no more than that to
//                              everybody together; 0: not any more. Only to who offers `speaksLimits` (ALPN) in the handshake
//   bye       either             come again u8 (0 or 1), reason in UTF-8, then the link closes

import { limits, link } from '../../config/tunables.ts'
import { type Bitfield, bitfieldBytes, createBitfield, isBitfield } from '../domain/bitfield.ts'
import type { Actor } from '../domain/decider.ts'
import { sharerKey, sharerOf } from '../domain/group.ts'
import { type Manifest, pieceCount, pieceSize } from '../domain/manifest.ts'
import { isDeviceId, isId, maxIdLength } from '../domain/names.ts'

/** The other side broke the protocol. The link is over, for good. */
export class FrameError extends Error {
  override readonly name = 'FrameError'
  readonly code = 'protocol'
}

/** What of a manifest says which pieces and offsets exist. */
export type FileShape = Pick<Manifest, 'size' | 'pieceLength'>

export interface Block {
  readonly piece: number
  readonly offset: number
  /** 1 to `link.blockBytes`. */
  readonly length: number
}

/**
 * `gone`: it does not have it (any more). `declined`: others got it from there, and not yet what `fresh` says; asked for
 * again it comes. `busy`: others are being served, and it will call.
 */
export const refusalReasons = ['gone', 'declined', 'busy'] as const
export type RefusalReason = (typeof refusalReasons)[number]

export type Frame =
  | { readonly type: 'hello'; readonly holder: Actor }
  | { readonly type: 'bitfield' | 'fresh'; readonly have: Bitfield }
  | { readonly type: 'have' | 'taken'; readonly piece: number }
  | { readonly type: 'call' | 'pass' }
  | { readonly type: 'limit'; readonly bytesPerSecond: number }
  | ({ readonly type: 'request' | 'cancel' } & Block)
  | { readonly type: 'refused'; readonly piece: number; readonly offset: number; readonly why: RefusalReason }
  | { readonly type: 'bye'; readonly retry: boolean; readonly reason: string }

export type FrameType = Frame['type'] | 'block'

const codes = {
  hello: 1,
  bitfield: 2,
  have: 3,
  request: 4,
  cancel: 5,
  block: 6,
  refused: 7,
  bye: 8,
  call: 9,
  pass: 10,
  fresh: 11,
  taken: 12,
  limit: 13,
} as const
export const frameTypes = Object.keys(codes) as readonly FrameType[]
const typeOf = new Map(Object.entries(codes).map(([type, code]) => [code as number, type as FrameType]))

/** A fetcher's word that it knows `limit` frames: one that was built before them takes any for a breach of the protocol. */
export const speaksLimits = 'shoal/limits'

const prefixBytes = 5
export const blockHeaderBytes = prefixBytes + 8
const maxReasonBytes = 200
const deviceLength = 12

/** Least and most payload bytes of each type. */
function payloadLimits(type: FrameType, shape: FileShape): readonly [least: number, most: number] {
  switch (type) {
    case 'hello':
      return [1 + 1 + deviceLength, maxIdLength + 1 + deviceLength]
    case 'bitfield':
    case 'fresh': {
      const bytes = bitfieldBytes(pieceCount(shape))
      return [bytes, bytes]
    }
    case 'have':
    case 'taken':
      return [4, 4]
    case 'call':
    case 'pass':
      return [0, 0]
    case 'request':
    case 'cancel':
      return [12, 12]
    case 'block':
      return [8 + 1, 8 + link.blockBytes]
    case 'limit':
      return [6, 6]
    case 'refused':
      return [9, 9]
    case 'bye':
      return [1, 1 + maxReasonBytes]
  }
}

function frameOf(type: FrameType, payloadBytes: number): Buffer {
  const bytes = Buffer.allocUnsafe(prefixBytes + payloadBytes)
  bytes.writeUInt32BE(1 + payloadBytes, 0)
  bytes.writeUInt8(codes[type], 4)
  return bytes
}

export function encodeFrame(frame: Frame): Buffer {
  switch (frame.type) {
    case 'hello': {
      const holder = sharerKey(frame.holder)
      const bytes = frameOf('hello', holder.length)
      bytes.write(holder, prefixBytes)
      return bytes
    }
    case 'bitfield':
    case 'fresh': {
      const have = frame.have.toBytes()
      const bytes = frameOf(frame.type, have.length)
      bytes.set(have, prefixBytes)
      return bytes
    }
    case 'call':
    case 'pass':
      return frameOf(frame.type, 0)
    case 'have':
    case 'taken': {
      const bytes = frameOf(frame.type, 4)
      bytes.writeUInt32BE(frame.piece, prefixBytes)
      return bytes
    }
    case 'request':
    case 'cancel': {
      const bytes = frameOf(frame.type, 12)
      bytes.writeUInt32BE(frame.piece, prefixBytes)
      bytes.writeUInt32BE(frame.offset, prefixBytes + 4)
      bytes.writeUInt32BE(frame.length, prefixBytes + 8)
      return bytes
    }
    case 'limit': {
      const bytes = frameOf('limit', 6)
      bytes.writeUIntBE(frame.bytesPerSecond, prefixBytes, 6)
      return bytes
    }
    case 'refused': {
      const bytes = frameOf('refused', 9)
      bytes.writeUInt32BE(frame.piece, prefixBytes)
      bytes.writeUInt32BE(frame.offset, prefixBytes + 4)
      bytes.writeUInt8(refusalReasons.indexOf(frame.why), prefixBytes + 8)
      return bytes
    }
    case 'bye': {
      const reason = Buffer.from(frame.reason)
      if (reason.length > maxReasonBytes) throw new RangeError(`bug: a reason of ${reason.length} bytes`)
      const bytes = frameOf('bye', 1 + reason.length)
      bytes.writeUInt8(frame.retry ? 1 : 0, prefixBytes)
      bytes.set(reason, prefixBytes + 1)
      return bytes
    }
  }
}

/** What goes in front of a block's bytes: written to the start of `bytes`, which has room for both. */
export function encodeBlockHeader(
  { piece, offset, length }: Block,
  bytes: Buffer = Buffer.allocUnsafe(blockHeaderBytes),
): Buffer {
  bytes.writeUInt32BE(1 + 8 + length, 0)
  bytes.writeUInt8(codes.block, 4)
  bytes.writeUInt32BE(piece, prefixBytes)
  bytes.writeUInt32BE(offset, prefixBytes + 4)
  return bytes
}

/** Throws a FrameError unless the file has such a block. */
function checkBlock(shape: FileShape, { piece, offset, length }: Block): void {
  if (piece >= pieceCount(shape)) throw new FrameError(`there is no piece ${piece}`)
  if (length < 1 || length > link.blockBytes) throw new FrameError(`a block of ${length} bytes`)
  if (offset + length > pieceSize(shape, piece)) throw new FrameError(`piece ${piece} ends before this block does`)
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decodeText(bytes: Buffer): string {
  try {
    return utf8.decode(bytes)
  } catch (cause) {
    throw new FrameError('a text that is not UTF-8', { cause })
  }
}

function decodeHolder(bytes: Buffer): Actor {
  const holder = sharerOf(decodeText(bytes))
  if (!isId(holder.user) || !isDeviceId(holder.device)) throw new FrameError('this names no user and device')
  return holder
}

function decodePayload(type: Frame['type'], payload: Buffer, shape: FileShape): Frame {
  const block = () => ({ piece: payload.readUInt32BE(0), offset: payload.readUInt32BE(4) })
  switch (type) {
    case 'hello':
      return { type, holder: decodeHolder(payload) }
    case 'call':
    case 'pass':
      return { type }
    case 'bitfield':
    case 'fresh': {
      const length = pieceCount(shape)
      if (!isBitfield(payload, length)) throw new FrameError('a bitfield with bits beyond the last piece')
      return { type, have: createBitfield(length, payload) }
    }
    case 'have':
    case 'taken': {
      const piece = payload.readUInt32BE(0)
      if (piece >= pieceCount(shape)) throw new FrameError(`there is no piece ${piece}`)
      return { type, piece }
    }
    case 'request':
    case 'cancel': {
      const asked = { ...block(), length: payload.readUInt32BE(8) }
      checkBlock(shape, asked)
      return { type, ...asked }
    }
    case 'limit': {
      const bytesPerSecond = payload.readUIntBE(0, 6)
      if (bytesPerSecond > limits.mostBytesPerSecond) throw new FrameError('a limit that limits nothing')
      return { type, bytesPerSecond }
    }
    case 'refused': {
      const refused = block()
      checkBlock(shape, { ...refused, length: 1 })
      const why = refusalReasons[payload.readUInt8(8)]
      if (!why) throw new FrameError('a refusal for no reason')
      return { type, ...refused, why }
    }
    case 'bye': {
      const retry = payload.readUInt8(0)
      const reason = decodeText(payload.subarray(1))
      if (retry > 1 || /\p{C}/u.test(reason)) throw new FrameError('a farewell with control characters')
      return { type, retry: retry === 1, reason }
    }
  }
}

export interface FrameReader {
  onFrame(frame: Frame): void
  /**
   * Where a block's bytes go as they arrive: exactly `length` bytes; undefined lets them pass unkept.
   * Throws a FrameError when nobody asked for it.
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
  const allowances = new Map(accepts.map(type => [type, payloadLimits(type, shape)]))
  const largest = Math.max(...accepts.filter(type => type !== 'block').map(type => allowances.get(type)![1]), 8)
  /** The frame being gathered: all of it, or up to a block's payload. */
  const gathered = Buffer.alloc(prefixBytes + largest)
  let filled = 0
  let needed = prefixBytes
  let type: FrameType | undefined
  let block: { readonly of: Block; readonly target: Uint8Array | undefined; filled: number } | undefined
  let stopped = false
  let ended = 0
  let crumbs = 0

  /** What comes in crumbs is paid for by the read, not by the byte. */
  const countCrumb = (bytes: number, endedBefore: number) => {
    if (bytes >= link.crumbBytes || ended > endedBefore) return
    crumbs += 1
    if (crumbs > link.maxCrumbs) throw new FrameError('it comes in crumbs')
  }

  const startOver = () => {
    ended += 1
    filled = 0
    needed = prefixBytes
    type = undefined
    block = undefined
  }

  const readPrefix = () => {
    type = typeOf.get(gathered[4]!)
    const allowed = type && allowances.get(type)
    if (!allowed) throw new FrameError(`a frame of type ${gathered[4]} here`)
    const payloadBytes = gathered.readUInt32BE(0) - 1
    if (payloadBytes < allowed[0] || payloadBytes > allowed[1])
      throw new FrameError(`a ${type} frame of ${payloadBytes} bytes`)
    needed = type === 'block' ? blockHeaderBytes : prefixBytes + payloadBytes
  }

  const startBlock = () => {
    const of: Block = {
      piece: gathered.readUInt32BE(prefixBytes),
      offset: gathered.readUInt32BE(prefixBytes + 4),
      length: gathered.readUInt32BE(0) - 1 - 8,
    }
    checkBlock(shape, of)
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
      crumbs = Math.max(0, crumbs - link.crumbsPerBlock)
      reader.onBlock?.(current.of)
    }
    return taken
  }

  return {
    write(chunk) {
      try {
        const endedBefore = ended
        for (let at = 0; at < chunk.length && !stopped; ) at += block ? fill(block, chunk, at) : gather(chunk, at)
        countCrumb(chunk.length, endedBefore)
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
