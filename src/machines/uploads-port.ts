// What the agent may ask of the uploads actor and say to it, without being its parent.

import { ActorPort } from './actor-port.ts'
import type { Offer, UploadsCommand } from './swarm-protocol.ts'
import { servedPeers, type UploadsStatus, uploadsStatus } from './uploads.ts'
import type { UploadsContext } from './uploads-actions.ts'
import type { InboundPeer } from './uploads-protocol.ts'

/** What the port uses of the uploads actor. */
interface UploadsActor {
  send(command: UploadsCommand): void
  getSnapshot(): { readonly status: string; readonly value: unknown; readonly context: UploadsContext }
}

export class UploadsPort extends ActorPort<UploadsCommand, UploadsActor> {
  /** Undefined unless it listens: until then another process may hold the port that it wants. */
  get status(): UploadsStatus | undefined {
    const snapshot = this.active?.getSnapshot()
    return snapshot?.value === 'open' ? uploadsStatus(snapshot) : undefined
  }

  /** The peers being served: one a session, so one a peer and share. */
  get peers(): readonly InboundPeer[] {
    const context = this.#context
    return context ? servedPeers({ context }) : []
  }

  /** Since the actor was started. */
  get servedBytes(): number {
    return this.#context?.servedBytes ?? 0
  }

  has(offer: Offer): boolean {
    return this.#context?.offers.get(offer.share) === offer
  }

  get #context(): UploadsContext | undefined {
    return this.active?.getSnapshot().context
  }
}
