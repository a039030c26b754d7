// What the uploads machine, its peer listener and its upload sessions say to each other. What others say to the uploads
// machine is in swarm-protocol.ts.

import type { Bitfield } from '../domain/bitfield.ts'
import type { DeviceRef } from '../domain/device-ref.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { Ticket } from '../wire/ticket.ts'
import type { Offer, Via } from './swarm-protocol.ts'

/** A peer that has proven to hold a ticket, and waits to be served or dismissed. */
export interface InboundPeer {
  /** Names the connection. */
  readonly id: string
  readonly holder: DeviceRef
  readonly ticket: Ticket
  readonly via: Via
}

export interface Listening {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
}

/** Peer listener -> uploads. */
export type PeerListenerEvent =
  | { readonly type: 'listener.opened'; readonly host: string; readonly port: number }
  | { readonly type: 'listener.failed'; readonly refusal: Refusal }
  /** `offer`: what there is of its share, unless this machine was told. */
  | { readonly type: 'peer.arrived'; readonly peer: InboundPeer; readonly offer?: Offer | undefined }

/** Uploads -> peer listener. */
export type PeerListenerCommand = {
  readonly type: 'peer.dismissed'
  readonly id: string
  readonly retry: boolean
  readonly reason: string
}

/** Upload session -> uploads. */
export type UploadSessionEvent =
  | { readonly type: 'upload-session.ended'; readonly id: string }
  | { readonly type: 'bytes.served'; readonly share: string; readonly bytes: number }
  | { readonly type: 'read.failed'; readonly offer: Offer; readonly error: Error }

/** Uploads -> upload session. */
export type UploadSessionCommand =
  | { readonly type: 'piece.available'; readonly piece: number }
  | { readonly type: 'offer.replaced'; readonly offer: Offer }
  | { readonly type: 'session.close'; readonly retry: boolean; readonly reason: string }

export interface UploadSessionInput {
  readonly peer: InboundPeer
  readonly offer: Offer
  /** What this device had when it began to offer the share, and hands out once before it hands out anything twice. */
  readonly own: Bitfield
}
