// How each frame's payload is laid out (wire/frames.ts lists them): its least and most bytes, its encoding, and the checks
// on what arrives. A payload that its file cannot have is a FrameError.

import { limitTunables, peerTunables } from '../../config/swarm.ts'
import { type Bitfield, bitfieldBytes, createBitfield, isBitfield } from '../domain/bitfield.ts'
import { deviceKey, parseDeviceKey } from '../domain/device-ref.ts'
import { pieceCount } from '../domain/manifest.ts'
import { isDeviceId, isId, maxIdLength } from '../domain/names.ts'
import {
  type Block,
  blockPlaceBytes,
  checkBlock,
  codeOf,
  type FileShape,
  type Frame,
  FrameError,
  type FrameType,
  type Payloads,
  prefixBytes,
  refusalReasons,
} from './frames.ts'

const maxReasonBytes = 200
const deviceLength = 12

type Span = readonly [least: number, most: number]

interface Codec<P> {
  /** Least and most bytes of a payload. */
  span(shape: FileShape): Span
  encode(payload: P): Uint8Array
  /** `bytes` is as long as `span` allows. Throws a FrameError for anything that a file of that shape cannot have. */
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

/** `payload` is as long as `payloadSpan` allows. Throws a FrameError for anything that a file of that shape cannot have. */
export function decodePayload(type: Frame['type'], payload: Buffer, shape: FileShape): Frame {
  return { type, ...(codecs[type] as Codec<object>).decode(payload, shape) } as Frame
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
