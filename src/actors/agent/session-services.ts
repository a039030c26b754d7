// Builds what runs during one login, over its connection: machines/session-services.ts with its actors provided, and what
// they share. All of it ends with the session; the library is the agent's and outlives it.

import { createHash } from 'node:crypto'
import type { NatsConnection } from 'nats'
import type { Logger } from 'pino'
import { downloadTunables } from '../../../config/swarm.ts'
import { type DeviceRef, deviceKey } from '../../domain/device-ref.ts'
import { ActorPort } from '../../machines/actor-port.ts'
import { type HeartbeatCommand, sessionServicesMachine } from '../../machines/session-services.ts'
import type { UploadsCommand } from '../../machines/swarm-protocol.ts'
import { UploadsPort } from '../../machines/uploads-port.ts'
import type { Library } from '../../storage/library.ts'
import type { AgentSession } from '../../wire/tracker-api.ts'
import type { TrackerClient } from '../client/tracker-client.ts'
import type { Session } from '../device/home.ts'
import type { Content } from '../inspection/inspection-publisher.ts'
import { createBufferPool } from '../swarm/buffer-pool.ts'
import { Relay } from '../swarm/relay.ts'
import type { RelayTransport } from '../swarm/relay-connection.ts'
import { provideUploads } from '../swarm/uploads.ts'
import type { DeviceLimits } from './device-limits.ts'
import { createDownloads, type Downloads } from './downloads.ts'
import { createHeartbeat } from './heartbeat.ts'
import { createOfferTable, type OfferTable } from './offer-table.ts'
import { servedShares, showServing } from './serving-view.ts'
import { ShareRegistry } from './share-registry.ts'
import { createShareRegistryActor } from './share-registry-actor.ts'

export const ticketKeysOf = ({ ticketKey, otherTicketKeys = [] }: AgentSession): Buffer[] =>
  [ticketKey, ...otherTicketKeys].map(key => Buffer.from(key, 'base64url'))

export interface SessionServicesNeeds {
  readonly session: Session
  readonly connection: NatsConnection
  readonly trackers: TrackerClient
  /** Tickets for this device are checked with these. Later answers of the trackers replace them. */
  readonly ticketKeys: readonly Buffer[]
  readonly library: Library
  readonly limits: DeviceLimits
  readonly log: Logger
  dialRelay(): Promise<RelayTransport>
  isRevoked(): Promise<boolean>
  onServers(servers: readonly string[]): void
}

/** Where peers connect, and the device keys of those being served; or why they cannot connect. */
export type Serving = { readonly at: string; readonly peers: readonly string[] } | { readonly failure: string }

export class SessionServices {
  readonly logic: typeof sessionServicesMachine
  readonly shareRegistry: ShareRegistry
  readonly downloads: Downloads
  readonly #needs: SessionServicesNeeds
  readonly #device: DeviceRef
  readonly #uploads = new UploadsPort()
  readonly #heartbeat = new ActorPort<HeartbeatCommand>()
  readonly #relay: Relay
  readonly #offers: OfferTable
  #ticketKeys: readonly Buffer[]
  /** Why peers cannot connect to this device. */
  #listenFailure: string | undefined
  /** By performance.now(). */
  #brokersAwaySince: number | undefined

  constructor(needs: SessionServicesNeeds) {
    const { session, connection } = needs
    this.#needs = needs
    this.#ticketKeys = needs.ticketKeys
    this.#device = { user: session.user, device: session.device }
    this.#relay = new Relay({ me: this.#device, main: connection, trackers: needs.trackers, dial: needs.dialRelay })
    this.#offers = createOfferTable(command => this.#tellUploads(command), {
      hasIt: offer => this.#uploads.has(offer),
      findFile: share => this.shareRegistry.findOffer(share),
    })
    this.shareRegistry = this.#createShareRegistry()
    this.downloads = this.#createDownloads()
    this.logic = this.#provideLogic()
  }

  /** What watchers see beside the actors. */
  shown(): { readonly about: string; readonly content: Content }[] {
    const { current } = this.#needs.limits
    return [
      ...this.downloads.shown(current).map(content => ({ about: `$download-${content.download}`, content })),
      { about: '$serving', content: showServing(this.#uploads, this.#offers, current.up) },
    ]
  }

  /** For how long the brokers have been away; 0 while one is there. */
  get brokersAwayMs(): number {
    return this.#brokersAwaySince === undefined ? 0 : performance.now() - this.#brokersAwaySince
  }

  /** Undefined while the uploads actor starts. */
  get serving(): Serving | undefined {
    if (this.#listenFailure !== undefined) return { failure: this.#listenFailure }
    const { status, peers } = this.#uploads
    if (!status) return undefined
    return { at: `${status.listen.host}:${status.listen.port}`, peers: peers.map(({ holder }) => deviceKey(holder)) }
  }

  /** Tells the uploads actor how many peers it may serve at once now. */
  limitSessions(): void {
    this.#uploads.send({ type: 'sessions.limited', most: this.#needs.limits.mostServed })
  }

  /** Closes what the logic's actor leaves open. To be called once that actor has ended. */
  async close(): Promise<void> {
    const relayClosed = this.#relay.close()
    this.downloads.close()
    await this.shareRegistry.close()
    await relayClosed
  }

  #createShareRegistry(): ShareRegistry {
    const { session, library, trackers, log } = this.#needs
    return new ShareRegistry({
      user: session.user,
      login: createHash('sha256').update(session.credential).digest('hex'),
      library,
      trackers,
      offers: this.#offers,
      log,
      onSession: answer => {
        this.#ticketKeys = ticketKeysOf(answer)
      },
    })
  }

  #createDownloads(): Downloads {
    const { session, library, trackers, limits, log } = this.#needs
    return createDownloads({
      user: session.user,
      library,
      trackers,
      offers: this.#offers,
      shareRegistry: this.shareRegistry,
      peers: {
        me: this.#device,
        connectRelay: this.#relay.connect,
        buffers: createBufferPool(downloadTunables.keptPieceBytes),
        fetching: limits.fetching,
        connections: limits.connections,
      },
      log,
    })
  }

  #provideLogic(): typeof sessionServicesMachine {
    const { limits, log } = this.#needs
    const uploads = provideUploads({
      ticketKey: () => this.#ticketKeys,
      acceptRelayed: this.#relay.accept,
      findOffer: share => this.#offers.find(share),
      throttle: limits.serving,
    }).provide({ actions: { attach: ({ self }) => this.#uploads.attach(self) } })
    return sessionServicesMachine.provide({
      actors: {
        heartbeat: this.#createHeartbeat(),
        uploads,
        shareRegistry: createShareRegistryActor(this.shareRegistry, this.#offers, log),
        downloads: this.downloads.logic,
      },
      actions: {
        reportFailure: (_, { child, error }) => log.error({ child, err: error }, 'a part of the agent failed'),
        reportListening: (_, { failure }) => {
          this.#listenFailure = failure?.message
        },
        restockOffers: () => this.#offers.restock(),
        limitSessions: () => this.limitSessions(),
      },
    })
  }

  #createHeartbeat() {
    const { connection, trackers, isRevoked, onServers } = this.#needs
    return createHeartbeat({
      connection,
      by: this.#device,
      trackers,
      port: this.#heartbeat,
      presence: () => ({ port: this.#uploads.status?.listen.port, fetching: this.#offers.partial() }),
      served: () => servedShares(this.#uploads, this.#offers, this.shareRegistry),
      isRevoked,
      onServers,
      onBrokers: areThere => {
        this.#brokersAwaySince = areThere ? undefined : (this.#brokersAwaySince ?? performance.now())
      },
    })
  }

  #tellUploads(command: UploadsCommand): void {
    this.#uploads.send(command)
    // Peers that fetch the same file learn of this device now, not at its next heartbeat.
    const isFetching = command.type === 'offer.added' && !command.offer.have.isFull()
    if (isFetching) this.#heartbeat.send({ type: 'fetching.began' })
  }
}
