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

import { limitTunables, peerTunables } from '../../config/swarm.ts'
import { type Bitfield, bitfieldBytes, createBitfield, isBitfield } from '../domain/bitfield.ts'
import { type DeviceRef, deviceKey, parseDeviceKey } from '../domain/device-ref.ts'
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
  /** 1 to `peerTunables.blockBytes`. */
  readonly length: number
}

/**
 * `gone`: it does not have it (any more). `declined`: others got it from there, and not yet what `fresh` says; asked for
 * again it comes. `busy`: others are being served, and it will call.
 */
export const refusalReasons = ['gone', 'declined', 'busy'] as const
export type RefusalReason = (typeof refusalReasons)[number]

interface Payloads {
  readonly hello: { readonly holder: DeviceRef }
  readonly bitfield: { readonly have: Bitfield }
  readonly have: { readonly piece: number }
  readonly request: Block
  readonly cancel: Block
  readonly refused: { readonly piece: number; readonly offset: number; readonly why: RefusalReason }
  readonly bye: { readonly retry: boolean; readonly reason: string }
  readonly call: unknown
  readonly pass: unknown
  readonly fresh: { readonly have: Bitfield }
  readonly taken: { readonly piece: number }
  readonly limit: { readonly bytesPerSecond: number }
}

/** Every frame but `block`, whose bytes are never in one place here. */
export type Frame = { [T in keyof Payloads]: { readonly type: T } & Payloads[T] }[keyof Payloads]

export type FrameType = Frame['type'] | 'block'

/** A fetcher's word that it knows `limit` frames: one that was built before them takes any for a breach of the protocol. */
export const speaksLimits = 'shoal/limits'

export const prefixBytes = 5
const blockPlaceBytes = 8
export const blockHeaderBytes = prefixBytes + blockPlaceBytes
const maxReasonBytes = 200
const deviceLength = 12

type Span = readonly [least: number, most: number]

interface Codec<P> {
  /** Bytes of a payload. */
  span(shape: FileShape): Span
  encode(payload: P): Uint8Array
  /** `bytes` are of the span. Throws a FrameError when they are no such payload, or the file of that shape cannot have it. */
  decode(bytes: Buffer, shape: FileShape): P
}

const nothing: Codec<unknown> = {
  span: () => [0, 0],
  encode: () => Buffer.alloc(0),
  decode: () => ({}),
}

const manyPieces: Codec<{ readonly have: Bitfield }> = {
  span(shape) {
    const bytes = bitfieldBytes(pieceCount(shape))
    return [bytes, bytes]
  },
  encode: ({ have }) => have.toBytes(),
  decode(bytes, shape) {
    const length = pieceCount(shape)
    if (!isBitfield(bytes, length)) throw new FrameError('a bitfield with bits beyond the last piece')
    return { have: createBitfield(length, bytes) }
  },
}

const onePiece: Codec<{ readonly piece: number }> = {
  span: () => [4, 4],
  encode: ({ piece }) => u32(piece),
  decode(bytes, shape) {
    const piece = bytes.readUInt32BE(0)
    if (piece >= pieceCount(shape)) throw new FrameError(`there is no piece ${piece}`)
    return { piece }
  },
}

const oneBlock: Codec<Block> = {
  span: () => [12, 12],
  encode: ({ piece, offset, length }) => u32(piece, offset, length),
  decode(bytes, shape) {
    const block = { piece: bytes.readUInt32BE(0), offset: bytes.readUInt32BE(4), length: bytes.readUInt32BE(8) }
    checkBlock(shape, block)
    return block
  },
}

const codecs: { readonly [T in keyof Payloads]: Codec<Payloads[T]> } = {
  hello: {
    span: () => [1 + 1 + deviceLength, maxIdLength + 1 + deviceLength],
    encode: ({ holder }) => Buffer.from(deviceKey(holder)),
    decode(bytes) {
      const holder = parseDeviceKey(decodeText(bytes))
      if (!isId(holder.user) || !isDeviceId(holder.device)) throw new FrameError('this names no user and device')
      return { holder }
    },
  },
  bitfield: manyPieces,
  have: onePiece,
  request: oneBlock,
  cancel: oneBlock,
  refused: {
    span: () => [9, 9],
    encode: ({ piece, offset, why }) => Buffer.concat([u32(piece, offset), Buffer.of(refusalReasons.indexOf(why))]),
    decode(bytes, shape) {
      const refused = { piece: bytes.readUInt32BE(0), offset: bytes.readUInt32BE(4) }
      checkBlock(shape, { ...refused, length: 1 })
      const why = refusalReasons[bytes.readUInt8(8)]
      if (!why) throw new FrameError('a refusal for no reason')
      return { ...refused, why }
    },
  },
  bye: {
    span: () => [1, 1 + maxReasonBytes],
    encode({ retry, reason }) {
      const text = Buffer.from(reason)
      if (text.length > maxReasonBytes) throw new RangeError(`bug: a reason of ${text.length} bytes`)
      return Buffer.concat([Buffer.of(retry ? 1 : 0), text])
    },
    decode(bytes) {
      const retry = bytes.readUInt8(0)
      const reason = decodeText(bytes.subarray(1))
      if (retry > 1 || /\p{C}/u.test(reason)) throw new FrameError('a farewell with control characters')
      return { retry: retry === 1, reason }
    },
  },
  call: nothing,
  pass: nothing,
  fresh: manyPieces,
  taken: onePiece,
  limit: {
    span: () => [6, 6],
    encode({ bytesPerSecond }) {
      const bytes = Buffer.alloc(6)
      bytes.writeUIntBE(bytesPerSecond, 0, 6)
      return bytes
    },
    decode(bytes) {
      const bytesPerSecond = bytes.readUIntBE(0, 6)
      if (bytesPerSecond > limitTunables.mostBytesPerSecond) throw new FrameError('a limit that limits nothing')
      return { bytesPerSecond }
    },
  },
}

/** The types by their codes, from 1. What is new goes to the end. */
export const frameTypes = [
  'hello',
  'bitfield',
  'have',
  'request',
  'cancel',
  'block',
  'refused',
  'bye',
  'call',
  'pass',
  'fresh',
  'taken',
  'limit',
] as const satisfies readonly FrameType[]

/** Undefined for a code that no type has. */
export const frameTypeOf = (code: number): FrameType | undefined => frameTypes[code - 1]

const codeOf = (type: FrameType): number => frameTypes.indexOf(type) + 1

/** Least and most payload bytes of a type, where the file has that shape. */
export function payloadSpan(type: FrameType, shape: FileShape): Span {
  if (type === 'block') return [blockPlaceBytes + 1, blockPlaceBytes + peerTunables.blockBytes]
  return codecs[type].span(shape)
}

export function encodeFrame(frame: Frame): Buffer {
  const payload = (codecs[frame.type] as Codec<Frame>).encode(frame)
  const bytes = Buffer.allocUnsafe(prefixBytes + payload.length)
  bytes.writeUInt32BE(1 + payload.length, 0)
  bytes.writeUInt8(codeOf(frame.type), 4)
  bytes.set(payload, prefixBytes)
  return bytes
}

/** Throws a FrameError when it is none. `payload` is as long as `payloadSpan` says. */
export function decodePayload(type: Frame['type'], payload: Buffer, shape: FileShape): Frame {
  return { type, ...(codecs[type] as Codec<object>).decode(payload, shape) } as Frame
}

/** What goes in front of a block's bytes: written to the start of `bytes`, which has room for both. */
export function encodeBlockHeader(
  { piece, offset, length }: Block,
  bytes: Buffer = Buffer.allocUnsafe(blockHeaderBytes),
): Buffer {
  bytes.writeUInt32BE(1 + blockPlaceBytes + length, 0)
  bytes.writeUInt8(codeOf('block'), 4)
  bytes.writeUInt32BE(piece, prefixBytes)
  bytes.writeUInt32BE(offset, prefixBytes + 4)
  return bytes
}

/** The block that a header and prefix are in front of. Throws a FrameError unless the file has it. */
export function decodeBlockHeader(bytes: Buffer, shape: FileShape): Block {
  const block = {
    piece: bytes.readUInt32BE(prefixBytes),
    offset: bytes.readUInt32BE(prefixBytes + 4),
    length: bytes.readUInt32BE(0) - 1 - blockPlaceBytes,
  }
  checkBlock(shape, block)
  return block
}

/** Throws a FrameError unless the file has such a block. */
function checkBlock(shape: FileShape, { piece, offset, length }: Block): void {
  if (piece >= pieceCount(shape)) throw new FrameError(`there is no piece ${piece}`)
  if (length < 1 || length > peerTunables.blockBytes) throw new FrameError(`a block of ${length} bytes`)
  if (offset + length > pieceSize(shape, piece)) throw new FrameError(`piece ${piece} ends before this block does`)
}

function u32(...numbers: number[]): Buffer {
  const bytes = Buffer.allocUnsafe(4 * numbers.length)
  for (const [index, number] of numbers.entries()) bytes.writeUInt32BE(number, 4 * index)
  return bytes
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decodeText(bytes: Buffer): string {
  try {
    return utf8.decode(bytes)
  } catch (cause) {
    throw new FrameError('a text that is not UTF-8', { cause })
  }
}
