// A tracker's connections to the brokers. They log in by key, without the callout, so that the first tracker can start. In
// people's account (SHOAL) it has one for each purpose: a broker cuts off a connection that it cannot deliver to fast enough,
// so a flood of one kind of message must not fill the buffer that another kind, or the log, waits in.

import type { NatsConnection } from 'nats'
import { brokerTunables } from '../../../config/client.ts'
import type { ClusterSecrets } from '../../wire/cluster-secrets.ts'
import { BrokerUnreachable, openConnection } from '../client/broker-connection.ts'
import { trustOf } from '../client/broker-trust.ts'
import { nkeyLogin } from '../device/nkey.ts'

/** Each by the account that it is in. */
const accounts = {
  /** The log: appends, and its entries. Hears nothing that people send, and carries what trackers tell them unasked. */
  log: 'shoal',
  presence: 'shoal',
  /** Devices' requests that change something, and log-ins by password. */
  writes: 'shoal',
  /** Devices' other requests, those for status and stats, and watchers. */
  reads: 'shoal',
  /** Sign-ups. */
  guests: 'shoal',
  /** The trackers' own: the auth callout, and what trackers tell each other. */
  auth: 'auth',
  /** The brokers' own. */
  sys: 'sys',
} as const satisfies Record<string, keyof ClusterSecrets['trackerSeeds']>

export type ConnectionPurpose = keyof typeof accounts

export interface TrackerConnections extends Readonly<Record<ConnectionPurpose, NatsConnection>> {
  /** Resolves when one of them is closed and will not reconnect: to the reason, or to undefined after `close`. */
  readonly closed: Promise<Error | undefined>
  close(): Promise<void>
}

/** Throws BrokerUnreachable if one of them fails; then none is left open. */
export async function connectTracker(
  name: string,
  servers: readonly string[],
  { trackerSeeds: seeds, authority }: Pick<ClusterSecrets, 'trackerSeeds' | 'authority'>,
): Promise<TrackerConnections> {
  const trust = trustOf(() => authority?.certificate)
  const purposes = Object.keys(accounts) as ConnectionPurpose[]
  const open = (purpose: ConnectionPurpose) =>
    openConnection(
      servers,
      trust,
      {
        name: `tracker ${name}, ${purpose}`,
        timeout: brokerTunables.trackerLoginTimeoutMs,
        authenticator: nkeyLogin(seeds[accounts[purpose]]),
        inboxPrefix: `_INBOX_.tracker.${accounts[purpose]}`,
      },
      { silence: brokerTunables.shortSilence },
    )
  const results = await Promise.allSettled(purposes.map(open))
  const connections = results.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
  const close = async () => {
    await Promise.all(connections.map(connection => connection.close()))
  }
  const failure = results.find(result => result.status === 'rejected')
  if (failure) {
    await close()
    throw new BrokerUnreachable(`no broker lets tracker ${name} in at ${servers.join(', ')}`, { cause: failure.reason })
  }
  const byPurpose = Object.fromEntries(purposes.map((purpose, at) => [purpose, connections[at]]))
  const closed = Promise.race(connections.map(connection => connection.closed())).then(error => error ?? undefined)
  return { ...(byPurpose as Record<ConnectionPurpose, NatsConnection>), closed, close }
}
