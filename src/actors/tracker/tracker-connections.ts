// A tracker's three connections, one per account: people's (SHOAL, with the log), the auth callout's (AUTH) and the
// brokers' own (SYS). They log in by key, without the callout, so that the first tracker can start.

import type { NatsConnection } from 'nats'
import { brokerTunables } from '../../../config/client.ts'
import type { ClusterSecrets } from '../../wire/cluster-secrets.ts'
import { BrokerUnreachable, openConnection } from '../client/broker-connection.ts'
import { trustOf } from '../client/broker-trust.ts'
import { nkeyLogin } from '../device/nkey.ts'

export interface TrackerConnections {
  readonly shoal: NatsConnection
  readonly auth: NatsConnection
  readonly sys: NatsConnection
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
  const open = (account: keyof typeof seeds) =>
    openConnection(
      servers,
      trust,
      {
        name: `tracker ${name}`,
        timeout: brokerTunables.trackerLoginTimeoutMs,
        authenticator: nkeyLogin(seeds[account]),
        inboxPrefix: `_INBOX_.tracker.${account}`,
      },
      { silence: brokerTunables.shortSilence },
    )
  const accounts = ['shoal', 'auth', 'sys'] as const
  const results = await Promise.allSettled(accounts.map(open))
  const connections = results.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
  const close = async () => {
    await Promise.all(connections.map(connection => connection.close()))
  }
  const [shoal, auth, sys] = connections
  if (!shoal || !auth || !sys || connections.length < accounts.length) {
    await close()
    const cause = results.find(result => result.status === 'rejected')?.reason
    throw new BrokerUnreachable(`no broker lets tracker ${name} in at ${servers.join(', ')}`, { cause })
  }
  const closed = Promise.race(connections.map(connection => connection.closed())).then(error => error ?? undefined)
  return { shoal, auth, sys, closed, close }
}
