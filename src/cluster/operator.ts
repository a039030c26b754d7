// The operator's connection to a cluster's brokers, with a tracker's key, to ask which trackers answer.

import type { NatsConnection } from 'nats'
import { brokerTunables } from '../../config/client.ts'
import { openConnection } from '../actors/client/broker-connection.ts'
import { trustOf } from '../actors/client/broker-trust.ts'
import { createTrackerClient, type TrackerClient } from '../actors/client/tracker-client.ts'
import { nkeyLogin } from '../actors/device/nkey.ts'
import type { ClusterSecrets } from '../wire/cluster-secrets.ts'
import { inboxPrefix, operatorAsking } from '../wire/subjects.ts'
import type { TrackerStatus } from '../wire/tracker-status.ts'

/** Throws BrokerUnreachable, UntrustedBrokers or LoginRefused. */
export const connectOperator = (servers: readonly string[], secrets: ClusterSecrets): Promise<NatsConnection> =>
  openConnection(
    servers,
    trustOf(() => secrets.authority?.certificate),
    {
      name: 'operator',
      timeout: brokerTunables.operatorLoginTimeoutMs,
      inboxPrefix: inboxPrefix(operatorAsking.user),
      authenticator: nkeyLogin(secrets.trackerSeeds.shoal),
    },
  )

/** A client for queries about the trackers; only people may send other requests. */
export const operatorsTrackers = (connection: NatsConnection): Pick<TrackerClient, 'statuses' | 'stats'> =>
  createTrackerClient(connection, operatorAsking)

export const trackersThatAnswer = (connection: NatsConnection): Promise<TrackerStatus[]> =>
  operatorsTrackers(connection).statuses()
