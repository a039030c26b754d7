// A logged-in device's contact with the trackers: it publishes presence, and receives notices, revocations and the brokers'
// status. Because a notice may be lost, it rechecks the access of all served peers regularly, when a peer connects, and
// after a reconnect. It never ends by itself.

import type { NatsConnection } from 'nats'
import { fromCallback } from 'xstate'
import { presenceTunables } from '../../../config/client.ts'
import { uploadTunables } from '../../../config/swarm.ts'
import type { DeviceRef } from '../../domain/device-ref.ts'
import type { ActorPort } from '../../machines/actor-port.ts'
import type { HeartbeatCommand, SessionServicesEvent } from '../../machines/session-services.ts'
import type { Notice } from '../../wire/notice.ts'
import type { ServedShare } from '../../wire/tracker-api.ts'
import type { TrackerClient } from '../client/tracker-client.ts'
import { createAccessRecheck } from './access-recheck.ts'
import { BrokerStatus } from './broker-status.ts'
import { listenForNotices } from './notice-listener.ts'
import { type Presence, publishOnline } from './presence-publisher.ts'

export interface HeartbeatNeeds {
  readonly connection: NatsConnection
  readonly by: DeviceRef
  readonly trackers: TrackerClient
  /** Its commands arrive here. */
  readonly port: ActorPort<HeartbeatCommand>
  presence(): Presence
  /** The shares that this device serves now, each with the devices it serves them to. */
  served(): ServedShare[]
  isRevoked(): Promise<boolean>
  /** Client addresses of the cluster's brokers. */
  onServers(servers: readonly string[]): void
  onBrokers(areThere: boolean): void
}

export const createHeartbeat = (needs: HeartbeatNeeds) =>
  fromCallback<HeartbeatCommand>(({ sendBack, receive, self }) => {
    const { connection, by, trackers } = needs
    const tell = (event: SessionServicesEvent) => sendBack(event)
    const ending = new AbortController()

    const recheckAccess = createAccessRecheck(
      {
        trackers,
        served: needs.served,
        onRevoked(revocations) {
          for (const revocation of revocations) tell({ type: 'access.revoked', revocation })
          tell({ type: 'notices.missed' })
        },
        onLoggedOut: () => tell({ type: 'session.revoked' }),
      },
      ending.signal,
    )
    const brokers = new BrokerStatus({
      connection,
      isRevoked: needs.isRevoked,
      onServers: needs.onServers,
      onDisconnected: () => needs.onBrokers(false),
      onReconnected() {
        needs.onBrokers(true)
        publish()
        recheckAccess()
        tell({ type: 'notices.missed' })
      },
      onRevoked: () => tell({ type: 'session.revoked' }),
      // The next attempt to open a session learns why.
      onDenied: () => tell({ type: 'services.close' }),
    })
    const publish = () => {
      if (brokers.isConnected) publishOnline(connection, by, needs.presence())
    }
    const stopListening = listenForNotices(connection, by.user, notice => {
      trackers.advance(notice.seq, notice.epoch)
      for (const event of eventsOf(notice, by.user)) tell(event)
    })

    needs.port.attach(self)
    receive(({ type }) => (type === 'peer.admitted' ? recheckAccess() : publish()))
    const publishing = setInterval(publish, presenceTunables.heartbeatEveryMs)
    const rechecking = setInterval(recheckAccess, uploadTunables.recheckEveryMs)
    publish()
    recheckAccess()
    brokers.follow()
    return () => {
      ending.abort()
      brokers.end()
      clearInterval(publishing)
      clearInterval(rechecking)
      stopListening()
    }
  })

/** A revocation concerns the uploads to that user. For downloads and shares it matters only if it is this user's own. */
function eventsOf(notice: Notice, me: string): SessionServicesEvent[] {
  const received = { type: 'notice.received', notice } as const
  if (notice.type !== 'access.revoked') return [received]
  const { user, group, seq, epoch } = notice
  const revocation = { kind: 'membership', user, group, seq, ...(epoch ? { epoch } : {}) } as const
  return [{ type: 'access.revoked', revocation }, ...(user === me ? [received] : [])]
}
