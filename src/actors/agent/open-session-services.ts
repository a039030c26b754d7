// Builds what runs for one log-in over its connection: the services of machines/services.ts, its actors provided.
// What is made here ends with the session; the library is the agent's, and outlives it.

import { createHash } from 'node:crypto'
import type { NatsConnection } from 'nats'
import type { Logger } from 'pino'
import { downloadTunables } from '../../../config/swarm.ts'
import { deviceKey } from '../../domain/device-ref.ts'
import { ActorPort } from '../../machines/actor-port.ts'
import { type HeartbeatCommand, sessionServicesMachine } from '../../machines/session-services.ts'
import type { UploadsCommand } from '../../machines/swarm-protocol.ts'
import { UploadsPort } from '../../machines/uploads-port.ts'
import type { Library } from '../../storage/library.ts'
import type { AgentSession, ServedShare } from '../../wire/tracker-api.ts'
import type { TrackerClient } from '../client/tracker-client.ts'
import type { Session } from '../device/home.ts'
import type { Content } from '../inspection/inspection-publisher.ts'
import { createBufferPool } from '../swarm/buffer-pool.ts'
import { openRelay } from '../swarm/relay.ts'
import { provideUploads } from '../swarm/uploads.ts'
import { createAgentApi } from './agent-api.ts'
import { createAgentHandlers } from './agent-handlers.ts'
import type { DeviceLimits } from './device-limits.ts'
import { createDownloads } from './downloads.ts'
import { createHeartbeat } from './heartbeat.ts'
import { createOfferTable } from './offer-table.ts'
import { ShareRegistry } from './share-registry.ts'
import { createShareRegistryActor } from './share-registry-actor.ts'

export const ticketKeysOf = ({ ticketKey, otherTicketKeys = [] }: AgentSession): Buffer[] =>
  [ticketKey, ...otherTicketKeys].map(key => Buffer.from(key, 'base64url'))

export interface SessionServicesNeeds {
  readonly session: Session
  readonly connection: NatsConnection
  readonly trackers: TrackerClient
  /** From which tickets for this device are checked: `agent.session` tells it. */
  readonly ticketKeys: readonly Buffer[]
  readonly library: Library
  readonly limits: DeviceLimits
  readonly log: Logger
  isRevoked(): Promise<boolean>
  onServers(servers: readonly string[]): void
  logOut(): Promise<void>
}

export interface SessionServices {
  readonly logic: typeof sessionServicesMachine
  /** Beside its actors, what watchers see of it. */
  shown(): { readonly about: string; readonly content: Content }[]
  /** After the logic's actor has ended: what it left open. */
  close(): Promise<void>
}

export function openSessionServices(needs: SessionServicesNeeds): SessionServices {
  const { session, connection, trackers, library, limits, log } = needs
  const by = { user: session.user, device: session.device }
  const uploads = new UploadsPort()
  const heartbeatPort = new ActorPort<HeartbeatCommand>()

  let { ticketKeys } = needs
  let deskFailure: string | undefined

  const relay = openRelay(connection, by)
  const tellUploads = (command: UploadsCommand) => {
    uploads.send(command)
    // Peers that fetch the same file learn of this device now, not at its next heartbeat.
    if (command.type === 'offer.added' && !command.offer.have.isFull()) heartbeatPort.send({ type: 'fetching.began' })
  }
  const offers = createOfferTable(tellUploads, offer => uploads.has(offer))
  const shareRegistry = new ShareRegistry({
    user: by.user,
    login: createHash('sha256').update(session.credential).digest('hex'),
    library,
    trackers,
    offers,
    log,
    onSession(session) {
      ticketKeys = ticketKeysOf(session)
    },
  })
  const downloads = createDownloads({
    user: by.user,
    library,
    trackers,
    offers,
    shareRegistry,
    peers: {
      me: by,
      connectRelay: to => relay.connect(to),
      buffers: createBufferPool(downloadTunables.keptPieceBytes),
      fetching: limits.fetching,
      connections: limits.connections,
    },
    log,
  })
  const servedShares = (): ServedShare[] =>
    [...Map.groupBy(uploads.peers, ({ ticket }) => ticket.share)].flatMap(([share, peers]) => {
      const offer = offers.find(share)
      if (!offer) return []
      const file = { share, group: offer.group, name: offer.manifest.name }
      return [{ ...file, isRecorded: shareRegistry.isRecorded(file), holders: peers.map(({ holder }) => holder) }]
    })
  const heartbeat = createHeartbeat({
    connection,
    by,
    trackers,
    port: heartbeatPort,
    presence: () => ({ port: uploads.status?.listen.port, fetching: offers.partial() }),
    served: servedShares,
    isRevoked: needs.isRevoked,
    onServers: needs.onServers,
  })
  const limitSessions = () => uploads.send({ type: 'sessions.limited', most: limits.mostServed })
  const handlers = createAgentHandlers({
    by,
    shareRegistry,
    downloads,
    limits,
    limitSessions,
    serving: () => {
      if (deskFailure !== undefined) return { failure: deskFailure }
      const { status } = uploads
      return status && { status, peers: uploads.peers.map(({ holder }) => deviceKey(holder)) }
    },
    logOut: needs.logOut,
  })

  const serving = (): Extract<Content, { kind: 'serving' }> => ({
    kind: 'serving',
    limit: limits.current.up,
    bytesServed: uploads.servedBytes,
    links: uploads.peers.slice(0, 256).flatMap(({ holder, ticket, via }) => {
      const offer = offers.find(ticket.share)
      return offer ? [{ ...holder, group: offer.group, name: offer.manifest.name, via }] : []
    }),
  })

  return {
    logic: sessionServicesMachine.provide({
      actors: {
        heartbeat,
        uploads: provideUploads({
          ticketKey: () => ticketKeys,
          acceptRelayed: relay.accept,
          throttle: limits.serving,
        }).provide({ actions: { attach: ({ self }) => uploads.attach(self) } }),
        shareRegistry: createShareRegistryActor(shareRegistry, offers, log),
        downloads: downloads.logic,
        api: createAgentApi(connection, by, handlers, log),
      },
      actions: {
        reportFailure: (_, { child, error }) => log.error({ child, err: error }, 'a part of the agent failed'),
        reportListening: (_, { failure }) => {
          deskFailure = failure?.message
        },
        restockOffers: () => offers.restock(),
        limitSessions,
      },
    }),
    shown: () => [
      ...downloads.shown(limits.current).map(content => ({ about: `$download-${content.download}`, content })),
      { about: '$serving', content: serving() },
    ],
    async close() {
      relay.close()
      downloads.close()
      await shareRegistry.close()
    },
  }
}
