// The messages of a relayed channel, on `relaySubject`: `type u8 | number u32 | payload`, big endian. NATS keeps the
// order of one publisher's messages but may lose some, so both sides count.
//   open    number = version of this layout               the serving side's first message: it has opened the channel
//   data    number = chunks sent before this one, payload 1 to relayTunables.chunkBytes bytes
//   credit  number = chunks taken in so far, payload = chunks sent so far, u32; also says that its sender is alive
//   end     number = chunks sent in all                   its sender sends no more data
//   reset   number = 0                                    the channel is over; nothing answers it

import { relayTunables } from '../../config/swarm.ts'

export const relayVersion = 2

export type RelayMessage =
  | { readonly type: 'open'; readonly version: number }
  | { readonly type: 'data'; readonly before: number; readonly chunk: Uint8Array }
  | { readonly type: 'credit'; readonly taken: number; readonly sent: number }
  | { readonly type: 'end'; readonly sent: number }
  | { readonly type: 'reset' }

const codes = { open: 1, data: 2, credit: 3, end: 4, reset: 5 } as const
const headerBytes = 5

export function encodeRelayMessage(message: RelayMessage): Buffer {
  const encode = (number: number, payloadBytes = 0) => {
    const bytes = Buffer.allocUnsafe(headerBytes + payloadBytes)
    bytes.writeUInt8(codes[message.type], 0)
    bytes.writeUInt32BE(number, 1)
    return bytes
  }
  switch (message.type) {
    case 'open':
      return encode(message.version)
    case 'data': {
      const bytes = encode(message.before, message.chunk.length)
      bytes.set(message.chunk, headerBytes)
      return bytes
    }
    case 'credit': {
      const bytes = encode(message.taken, 4)
      bytes.writeUInt32BE(message.sent, headerBytes)
      return bytes
    }
    case 'end':
      return encode(message.sent)
    case 'reset':
      return encode(0)
  }
}

/** Undefined for anything that is none of the five. A chunk is a view of `data`. */
export function decodeRelayMessage(data: Uint8Array): RelayMessage | undefined {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.length)
  if (bytes.length < headerBytes) return undefined
  const number = bytes.readUInt32BE(1)
  const payload = bytes.subarray(headerBytes)
  switch (bytes[0]) {
    case codes.open:
      return payload.length === 0 ? { type: 'open', version: number } : undefined
    case codes.data:
      if (payload.length < 1 || payload.length > relayTunables.chunkBytes) return undefined
      return { type: 'data', before: number, chunk: payload }
    case codes.credit:
      return payload.length === 4 ? { type: 'credit', taken: number, sent: payload.readUInt32BE(0) } : undefined
    case codes.end:
      return payload.length === 0 ? { type: 'end', sent: number } : undefined
    case codes.reset:
      return payload.length === 0 && number === 0 ? { type: 'reset' } : undefined
    default:
      return undefined
  }
}
