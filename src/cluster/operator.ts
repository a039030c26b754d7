// The cluster's own connection to its brokers, with a tracker's key: to see which trackers answer.

import { connect, type NatsConnection, nkeyAuthenticator } from 'nats'
import { connectionDefaults, giveUpWhenTurnedAway } from '../actors/broker.ts'
import { tlsTowards } from '../actors/broker-trust.ts'
import { createTrackerClient } from '../actors/tracker-client.ts'
import type { ClusterSecrets } from '../wire/cluster-secrets.ts'
import type { TrackerStatus } from '../wire/tracker-api.ts'

/** Throws what nats throws when no broker lets us in. */
export async function connectOperator(servers: readonly string[], secrets: ClusterSecrets): Promise<NatsConnection> {
  const attempts = giveUpWhenTurnedAway()
  const connection = await connect({
    ...connectionDefaults,
    reconnectToServer: (servers, info) => attempts.reconnectToServer(servers, info),
    ...tlsTowards(servers, { authority: () => secrets.authority?.certificate, follow() {} }),
    servers: [...servers],
    name: 'operator',
    timeout: 2_000,
    authenticator: nkeyAuthenticator(Buffer.from(secrets.trackerSeeds.shoal)),
  })
  attempts.isConnected = true
  return connection
}

// Trackers' own users may publish anywhere, so these names are an address to answer to, no person's.
const operator = { user: 'operator', device: '000000000000' }

export const trackersThatAnswer = (connection: NatsConnection): Promise<TrackerStatus[]> =>
  createTrackerClient(connection, operator).statuses()
