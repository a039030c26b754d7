// The cluster's own connection to its brokers, with a tracker's key: to see which trackers answer.

import { connect, type NatsConnection } from 'nats'
import { connectionDefaults, giveUpWhenTurnedAway } from '../actors/client/broker-connection.ts'
import { tlsTowards, trustOf } from '../actors/client/broker-trust.ts'
import { createTrackerClient, type TrackerClient } from '../actors/client/tracker-client.ts'
import { nkeyLogin } from '../actors/device/nkey.ts'
import type { ClusterSecrets } from '../wire/cluster-secrets.ts'
import { inboxPrefix, operatorAsking } from '../wire/subjects.ts'
import type { TrackerStatus } from '../wire/tracker-api.ts'

/** Throws what nats throws when no broker lets us in. */
export async function connectOperator(servers: readonly string[], secrets: ClusterSecrets): Promise<NatsConnection> {
  const attempts = giveUpWhenTurnedAway()
  const connection = await connect({
    ...connectionDefaults,
    reconnectToServer: (servers, info) => attempts.reconnectToServer(servers, info),
    ...tlsTowards(
      servers,
      trustOf(() => secrets.authority?.certificate),
    ),
    servers: [...servers],
    name: 'operator',
    timeout: 2_000,
    inboxPrefix: inboxPrefix(operatorAsking.user),
    authenticator: nkeyLogin(secrets.trackerSeeds.shoal),
  })
  attempts.isConnected = true
  return connection
}

/** To look at the trackers; requests are people's alone. */
export const operatorsTrackers = (connection: NatsConnection): Pick<TrackerClient, 'statuses' | 'looks'> =>
  createTrackerClient(connection, operatorAsking)

export const trackersThatAnswer = (connection: NatsConnection): Promise<TrackerStatus[]> =>
  operatorsTrackers(connection).statuses()
