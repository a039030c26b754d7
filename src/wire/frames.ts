// The peer-to-peer frames, inside TLS: `length u32 | type u8 | payload`, big endian; `length` counts type and payload.
// The fetching side opens a connection for one share and asks; the serving side answers every request exactly once, with
// a block or a refusal. Lengths are checked before a payload is awaited, and a block's bytes go straight to where their
// owner wants them, so a hostile peer cannot make us hold more than one small frame.
//   hello     fetcher -> server  user and device of the ticket's holder, `user/device` in UTF-8
//   bitfield  server -> fetcher  the pieces it has (domain/bitfield.ts), once, before anything else
//   have      server -> fetcher  piece u32: one more, each announced once, here or in the bitfield
//   request   fetcher -> server  piece u32, offset u32, length u32: one block
//   cancel    fetcher -> server  the same three: no longer wanted; if it is not on its way yet, `refused` answers it
//   block     server -> fetcher  piece u32, offset u32, bytes
//   refused   server -> fetcher  piece u32, offset u32, why u8 (`refusalReasons`): this block will not come
//   call      server -> fetcher  a peer that was told `busy` is unchoked: ask now, or pass
//   pass      fetcher -> server  unchoked, and wants nothing
//   fresh     server -> fetcher  a bitfield as above: pieces it has given to no one, which are better asked for
//   taken     fetcher -> server  piece u32: half of it has arrived, so that the next can be served when all of it has
//   limit     server -> fetcher  bytes a second u48: requests wait because the server uploads no more than that to all its
//                              peers together; 0: no longer. Only to a peer that offers `speaksLimits` (ALPN)
//   bye       either             may come again u8 (0 or 1), reason in UTF-8, then the connection closes
// In BitTorrent's words (BEP 3, BEP 16): bitfield, have, request, cancel are the same; block is `piece`, refused `busy` is
// `choke`, call is `unchoke`, pass is `not interested`, fresh is what super-seeding reveals; the rest has no counterpart.
// The layout of each payload is in frame-codecs.ts.

import { peerTunables } from '../../config/swarm.ts'
import type { Bitfield } from '../domain/bitfield.ts'
import type { DeviceRef } from '../domain/device-ref.ts'
import { type Manifest, pieceCount, pieceSize } from '../domain/manifest.ts'

/** The other side broke the protocol. Ends the connection, without a retry. */
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
 * `gone`: it does not have the piece, or no longer. `declined`: others have the piece from it and no one has what `fresh`
 * lists; asked again, it serves the piece. `busy`: it serves others, and will send `call`.
 */
export const refusalReasons = ['gone', 'declined', 'busy'] as const
export type RefusalReason = (typeof refusalReasons)[number]

export interface Payloads {
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

/** Every frame but `block`, whose bytes are never gathered in one place here. */
export type Frame = { [T in keyof Payloads]: { readonly type: T } & Payloads[T] }[keyof Payloads]

export type FrameType = Frame['type'] | 'block'

/** ALPN protocol by which a fetcher says that it knows `limit` frames. Older ones take them for a breach of the protocol. */
export const speaksLimits = 'shoal/limits'

export const prefixBytes = 5
export const blockPlaceBytes = 8
export const blockHeaderBytes = prefixBytes + blockPlaceBytes

/** The types in the order of their codes, from 1. Add new ones at the end. */
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

/** Undefined for an unknown code. */
export const frameTypeOf = (code: number): FrameType | undefined => frameTypes[code - 1]

export const codeOf = (type: FrameType): number => frameTypes.indexOf(type) + 1

/** Writes what precedes a block's bytes to the start of `bytes`. */
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

/** Reads what precedes a block's bytes. Throws a FrameError unless the file has such a block. */
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
export function checkBlock(shape: FileShape, { piece, offset, length }: Block): void {
  if (piece >= pieceCount(shape)) throw new FrameError(`there is no piece ${piece}`)
  if (length < 1 || length > peerTunables.blockBytes) throw new FrameError(`a block of ${length} bytes`)
  if (offset + length > pieceSize(shape, piece)) throw new FrameError(`piece ${piece} ends before this block does`)
}
