// What the serving desk, its front door and its server links say to each other. What others say to the desk is in
// swarm-protocol.ts.

import type { Bitfield } from '../domain/bitfield.ts'
import type { DeviceRef } from '../domain/device-ref.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { Ticket } from '../wire/ticket.ts'
import type { Offer, Via } from './swarm-protocol.ts'

/** Somebody who has proven to hold a ticket, and waits to be served or turned away. */
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

/** Front door -> desk. */
export type PeerListenerEvent =
  | { readonly type: 'listener.opened'; readonly host: string; readonly port: number }
  | { readonly type: 'listener.failed'; readonly refusal: Refusal }
  | { readonly type: 'peer.arrived'; readonly guest: InboundPeer }

/** Desk -> front door. */
export type PeerListenerCommand = {
  readonly type: 'peer.dismissed'
  readonly id: string
  readonly retry: boolean
  readonly reason: string
}

/** Server link -> desk. */
export type UploadSessionEvent =
  | { readonly type: 'upload-session.ended'; readonly id: string }
  | { readonly type: 'bytes.served'; readonly share: string; readonly bytes: number }
  | { readonly type: 'read.failed'; readonly offer: Offer; readonly error: Error }

/** Desk -> server link. */
export type UploadSessionCommand =
  | { readonly type: 'piece.available'; readonly piece: number }
  | { readonly type: 'offer.replaced'; readonly offer: Offer }
  | { readonly type: 'session.close'; readonly retry: boolean; readonly reason: string }

export interface UploadSessionInput {
  readonly guest: InboundPeer
  readonly offer: Offer
  /** What this device had when it began to offer the share, and should hand out once before anything twice. */
  readonly own: Bitfield
}
