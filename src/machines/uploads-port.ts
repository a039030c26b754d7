// What the agent may ask of the uploads actor and say to it, without being its parent. The actor attaches itself when it
// starts, and again when its parent has started it anew; it is not looked up by name.

import type { Offer, UploadsCommand } from './swarm-protocol.ts'
import { type UploadsContext, type UploadsStatus, uploadsStatus } from './uploads.ts'
import type { InboundPeer } from './uploads-protocol.ts'

/** What the port uses of the uploads actor. */
export interface AttachedUploads {
  send(command: UploadsCommand): void
  getSnapshot(): { readonly status: string; readonly value: unknown; readonly context: UploadsContext }
}

export class UploadsPort {
  #uploads: AttachedUploads | undefined

  /** Called by the actor itself, as it starts. */
  attach(uploads: AttachedUploads): void {
    this.#uploads = uploads
  }

  /** Dropped while the actor does not run: once it listens, it is told what is on offer and whom it may serve. */
  send(command: UploadsCommand): void {
    if (this.#snapshot) this.#uploads?.send(command)
  }

  /** Undefined unless it listens: until then another process may hold the port that it wants. */
  get status(): UploadsStatus | undefined {
    const snapshot = this.#snapshot
    return snapshot?.value === 'open' ? uploadsStatus(snapshot) : undefined
  }

  /** Who is being served: one a session, so one a peer and share. */
  get peers(): readonly InboundPeer[] {
    return [...(this.#snapshot?.context.links.values() ?? [])].map(({ guest }) => guest)
  }

  /** Since the actor was started. */
  get servedBytes(): number {
    return this.#snapshot?.context.servedBytes ?? 0
  }

  has(offer: Offer): boolean {
    return this.#snapshot?.context.offers.get(offer.share) === offer
  }

  get #snapshot() {
    const snapshot = this.#uploads?.getSnapshot()
    return snapshot?.status === 'active' ? snapshot : undefined
  }
}
