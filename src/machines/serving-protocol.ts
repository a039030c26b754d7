// What the serving desk, its front door and its server links say to each other. What others say to the desk is in
// swarm-protocol.ts.

import type { Bitfield } from '../domain/bitfield.ts'
import type { Actor } from '../domain/decider.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { Ticket } from '../wire/ticket.ts'
import type { Via } from './peer-link.ts'
import type { Offer } from './swarm-protocol.ts'

/** Somebody who has proven to hold a ticket, and waits to be served or turned away. */
export interface Guest {
  /** Names the connection. */
  readonly id: string
  readonly holder: Actor
  readonly ticket: Ticket
  readonly via: Via
}

export interface Listening {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
}

/** Front door -> desk. */
export type FrontDoorEvent =
  | { readonly type: 'door.opened'; readonly host: string; readonly port: number }
  | { readonly type: 'door.failed'; readonly refusal: Refusal }
  | { readonly type: 'guest.arrived'; readonly guest: Guest }

/** Desk -> front door. */
export type FrontDoorCommand = {
  readonly type: 'guest.dismissed'
  readonly id: string
  readonly retry: boolean
  readonly reason: string
}

/** Server link -> desk. */
export type ServerLinkEvent =
  | { readonly type: 'server-link.ended'; readonly id: string }
  | { readonly type: 'bytes.served'; readonly share: string; readonly bytes: number }
  | { readonly type: 'read.failed'; readonly offer: Offer; readonly error: Error }

/** Desk -> server link. */
export type ServerLinkCommand =
  | { readonly type: 'piece.available'; readonly piece: number }
  | { readonly type: 'offer.replaced'; readonly offer: Offer }
  | { readonly type: 'link.close'; readonly retry: boolean; readonly reason: string }

export interface ServerLinkInput {
  readonly guest: Guest
  readonly offer: Offer
  /** What this device had when it began to offer the share, and should hand out once before anything twice. */
  readonly own: Bitfield
}
