// What a logged-in device says to the trackers and hears from them: its presence, the notices to its user, who may no
// longer be served, and when brokers come and go. It asks about everyone it serves regularly, whenever a peer comes, and
// after the brokers were away, because notices may be missing then. It never ends by itself.

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
  /** By which it is told of what the presence should say now. */
  readonly port: ActorPort<HeartbeatCommand>
  presence(): Presence
  /** What this device serves right now, and to whom. */
  served(): ServedShare[]
  isRevoked(): Promise<boolean>
  /** Client addresses of the cluster's brokers. */
  onServers(servers: readonly string[]): void
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
        onWithdrawn(withdrawals) {
          for (const withdrawal of withdrawals) tell({ type: 'access.withdrawn', withdrawal })
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
      onReconnected() {
        publish()
        recheckAccess()
        tell({ type: 'notices.missed' })
      },
      onRevoked: () => tell({ type: 'session.revoked' }),
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

/** That someone's access was withdrawn concerns whoever serves them; it is news for downloads and shares only when it is this user's. */
function eventsOf(notice: Notice, me: string): SessionServicesEvent[] {
  const received = { type: 'notice.received', notice } as const
  if (notice.type !== 'access.revoked') return [received]
  const { user, group, seq, epoch } = notice
  const withdrawal = { kind: 'membership', user, group, seq, ...(epoch ? { epoch } : {}) } as const
  return [{ type: 'access.withdrawn', withdrawal }, ...(user === me ? [received] : [])]
}
