// Which brokers to try, and which to remember. Brokers that a home knows are added to the ones a person names only if
// both belong to one cluster, so that naming another cluster never leads to the one from before.

import type { NatsConnection } from 'nats'
import { alike } from '../actors/client/broker-trust.ts'
import { type Home, HomeFailed } from '../actors/device/home.ts'

const defaultServer = 'nats://127.0.0.1:4222'

/** The text of --servers or SHOAL_SERVERS: addresses, one of which may end in `#` and the fingerprint to trust there. */
export function splitServers(text = ''): { readonly servers: string[]; readonly fingerprint: string | undefined } {
  const parts = text.split(',').map(part => part.trim().split('#'))
  const servers = parts.flatMap(([server]) => server || [])
  return { servers, fingerprint: parts.find(([, fingerprint]) => fingerprint)?.[1] }
}

/** `wanted` were named by the person, `known` are remembered, `ofCluster` belong to a cluster that this home holds. */
export function serversToTry(
  wanted: readonly string[],
  known: readonly string[],
  ofCluster: readonly string[],
): string[] {
  if (wanted.length === 0) {
    const remembered = distinct([...ofCluster, ...known])
    return remembered.length > 0 ? remembered : [defaultServer]
  }
  const isSameCluster = wanted.some(server => known.map(bare).includes(bare(server)))
  return distinct(isSameCluster ? [...wanted, ...known] : wanted)
}

/** What a person can do when none of `tried` answers. Only one who runs a cluster, or may want to, is told to start it. */
export function unreachableAdvice(
  wanted: readonly string[],
  tried: readonly string[],
  ofCluster: readonly string[],
): string {
  if (tried.some(server => ofCluster.map(bare).includes(bare(server))))
    return 'see shoal cluster status, and start what has stopped with shoal cluster up'
  if (wanted.length > 0) return 'check the address, and try again when the cluster is up'
  if (tried.join() === defaultServer)
    return "name your cluster's brokers with --servers or SHOAL_SERVERS; to run a cluster on this machine: shoal cluster up"
  return 'try again when the cluster is up; if its brokers have moved, name them with --servers'
}

/**
 * Saves the cluster's brokers that this connection lists, and the addresses that led there. A full disk is no failure: the
 * next connection lists them again.
 */
export function rememberServers(home: Home, tried: readonly string[], connection: NatsConnection): void {
  const known = home.servers()
  const heard = distinct([...tried, ...alike(connection.info?.connect_urls ?? [], tried)])
  if (heard.join() === known.join()) return
  try {
    home.saveServers(heard)
  } catch (error) {
    if (!(error instanceof HomeFailed)) throw error
  }
}

const bare = (server: string): string => {
  const address = server.replace(/^\w+:\/\//, '')
  return /:\d+$/.test(address) ? address : `${address}:4222`
}

const distinct = (servers: readonly string[]): string[] => [
  ...new Map(servers.map(server => [bare(server), server])).values(),
]
