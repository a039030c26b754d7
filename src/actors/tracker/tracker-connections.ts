// A tracker's three connections, one an account: people's (SHOAL, with the log), the auth callout's (AUTH), the
// brokers' own (SYS). They pass the callout by their keys, so trackers can start when none runs.

import { connect, type NatsConnection } from 'nats'
import type { ClusterSecrets } from '../../wire/cluster-secrets.ts'
import { BrokerUnreachable, connectionDefaults, giveUpWhenTurnedAway } from '../client/broker-connection.ts'
import { tlsTowards, trustOf } from '../client/broker-trust.ts'
import { nkeyLogin } from '../device/nkey.ts'

export interface TrackerConnections {
  readonly shoal: NatsConnection
  readonly auth: NatsConnection
  readonly sys: NatsConnection
  /** Resolves when one of them is closed for good, with why unless it was `close`. */
  readonly closed: Promise<Error | undefined>
  close(): Promise<void>
}

/** Throws BrokerUnreachable when one cannot be made; then none is left open. */
export async function connectTracker(
  name: string,
  servers: readonly string[],
  { trackerSeeds: seeds, authority }: Pick<ClusterSecrets, 'trackerSeeds' | 'authority'>,
): Promise<TrackerConnections> {
  const tls = tlsTowards(
    servers,
    trustOf(() => authority?.certificate),
  )
  const open = async (account: keyof typeof seeds) => {
    const attempts = giveUpWhenTurnedAway()
    const connection = await connect({
      ...connectionDefaults,
      reconnectToServer: (servers, info) => attempts.reconnectToServer(servers, info),
      ...tls,
      servers: [...servers],
      name: `tracker ${name}`,
      timeout: 5_000,
      authenticator: nkeyLogin(seeds[account]),
      inboxPrefix: `_INBOX_.tracker.${account}`,
    })
    attempts.isConnected = true
    return connection
  }
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
