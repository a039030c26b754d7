// A ticket: a tracker's short-lived word that one user's device may fetch one share from one other device.
// It is the identity of a TLS-PSK handshake (at most 128 bytes there), and its key can be computed by those two
// devices' tracker and by the serving device alone: key = HMAC-SHA256(the serving device's ticket key, identity).
// Layout of an identity before base64url, 69 bytes:
//   version 1 byte | expiry 8 bytes, ms since 1970 | log sequence 8 bytes | share id 16 bytes |
//   SHA-256 of "user/device" of the holder, first 24 | log epoch 8 bytes | tag of the key 4 bytes

import { createHash, createHmac } from 'node:crypto'
import { type DeviceRef, deviceKey } from '../domain/device-ref.ts'

const version = 2
const identityBytes = 69

export interface Ticket {
  readonly expiresAt: number
  /** The log position that the issuing tracker had applied. A revocation at or after it voids the ticket. */
  readonly seq: number
  /** Which log that was. */
  readonly epoch: number
  /** Of which of the serving device's ticket keys this has a key: it may have two while the cluster's secrets are rotated. */
  readonly keyTag: string
  readonly share: string
  /** Hex; compare with `holderTag`. */
  readonly holder: string
}

export const holderTag = (holder: DeviceRef): string =>
  createHash('sha256').update(deviceKey(holder)).digest('hex').slice(0, 48)

export function encodeTicket(
  share: string,
  holder: DeviceRef,
  expiresAt: number,
  seq: number,
  epoch = 0,
  keyTag = '00000000',
): string {
  const bytes = Buffer.alloc(identityBytes)
  bytes.writeUInt8(version, 0)
  bytes.writeBigUInt64BE(BigInt(expiresAt), 1)
  bytes.writeBigUInt64BE(BigInt(seq), 9)
  bytes.write(share, 17, 'hex')
  bytes.write(holderTag(holder), 33, 'hex')
  bytes.writeBigUInt64BE(BigInt(epoch), 57)
  bytes.write(keyTag, 65, 'hex')
  return bytes.toString('base64url')
}

/** Undefined for anything but a ticket of this version. Does not prove that the ticket is genuine: the handshake does. */
export function decodeTicket(identity: string): Ticket | undefined {
  const bytes = Buffer.from(identity, 'base64url')
  if (bytes.length !== identityBytes || bytes.toString('base64url') !== identity || bytes[0] !== version)
    return undefined
  return {
    expiresAt: Number(bytes.readBigUInt64BE(1)),
    seq: Number(bytes.readBigUInt64BE(9)),
    share: bytes.toString('hex', 17, 33),
    holder: bytes.toString('hex', 33, 57),
    epoch: Number(bytes.readBigUInt64BE(57)),
    keyTag: bytes.toString('hex', 65),
  }
}

/** The pre-shared key of that identity, 32 bytes. */
export const ticketPsk = (deviceTicketKey: Buffer, identity: string): Buffer =>
  createHmac('sha256', deviceTicketKey).update(identity).digest()

/** Tells a device's ticket keys apart, and nothing of them: 8 hex digits. */
export const keyTagOf = (deviceTicketKey: Buffer): string =>
  createHash('sha256').update('tag\n').update(deviceTicketKey).digest('hex').slice(0, 8)

/** A device's own ticket key, from the cluster's ticket secret; a new log-in makes a new one. */
export const deviceTicketKey = (clusterSecret: Buffer, device: DeviceRef, credentialHash: string): Buffer =>
  createHmac('sha256', clusterSecret)
    .update(`ticket\n${deviceKey(device)}\n${credentialHash}`)
    .digest()
