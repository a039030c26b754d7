// Which brokers to try, and what is remembered of them. Brokers that a home knows are added to the ones a person names
// only if both are of one cluster, so that naming another cluster never leads to the one from before.

import type { NatsConnection } from 'nats'
import type { Home } from '../actors/home.ts'

export const defaultServer = 'nats://127.0.0.1:4222'

/** `named` is the text of --servers or SHOAL_SERVERS, `ofCluster` the brokers of a cluster that this home holds. */
export function serversToTry(
  named: string | undefined,
  known: readonly string[],
  ofCluster: readonly string[],
): string[] {
  const wanted = (named ?? '')
    .split(',')
    .map(server => server.trim())
    .filter(server => server !== '')
  if (wanted.length === 0) {
    const remembered = distinct([...ofCluster, ...known])
    return remembered.length > 0 ? remembered : [defaultServer]
  }
  const isSameCluster = wanted.some(server => known.map(bare).includes(bare(server)))
  return distinct(isSameCluster ? [...wanted, ...known] : wanted)
}

/** Keeps what a connection tells of the cluster's brokers, and the addresses that led there. */
export function rememberServers(home: Home, tried: readonly string[], connection: NatsConnection): void {
  const known = home.servers()
  const heard = distinct([...tried, ...(connection.info?.connect_urls ?? [])])
  if (heard.join() !== known.join()) home.saveServers(heard)
}

const bare = (server: string): string => {
  const address = server.replace(/^\w+:\/\//, '')
  return /:\d+$/.test(address) ? address : `${address}:4222`
}

const distinct = (servers: readonly string[]): string[] => [
  ...new Map(servers.map(server => [bare(server), server])).values(),
]
