// Which brokers to try, and which to remember. Brokers that a home knows are added to the ones a person names only if
// both belong to one cluster, so that naming another cluster never leads to the one from before.

import type { NatsConnection } from 'nats'
import { alike } from '../actors/client/broker-trust.ts'
import { bareAddress, distinctServers } from '../actors/client/server-list.ts'
import { type Home, HomeFailed } from '../actors/device/home.ts'
import type { Advice } from './connect-as.ts'

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
    const remembered = distinctServers([...ofCluster, ...known])
    return remembered.length > 0 ? remembered : [defaultServer]
  }
  return distinctServers(isAnyOf(wanted, known) ? [...wanted, ...known] : wanted)
}

/** For when brokers or trackers at `tried` do not answer. Only a person who runs a cluster, or may want to, is told to start it. */
export function adviceFor(wanted: readonly string[], tried: readonly string[], ofCluster: readonly string[]): Advice {
  if (isAnyOf(tried, ofCluster)) {
    const look = 'see shoal cluster status, and start what has stopped with shoal cluster up'
    return { noBroker: look, noTracker: look }
  }
  return {
    noBroker: noBrokerAdvice(wanted, tried),
    noTracker: 'try again in a minute; if that does not help, tell the person who runs the cluster',
  }
}

function noBrokerAdvice(wanted: readonly string[], tried: readonly string[]): string {
  if (wanted.length > 0)
    return "check this device's network and the address, or ask the person who runs the cluster whether it is up"
  if (tried.join() === defaultServer)
    return 'to use a cluster, ask the person who runs it for its address, and give that with --servers or SHOAL_SERVERS; to run one on this machine: shoal cluster up'
  return "check this device's network, or ask the person who runs the cluster whether it is up; if its address has changed, give the new one with --servers"
}

const isAnyOf = (servers: readonly string[], others: readonly string[]): boolean => {
  const bare = others.map(bareAddress)
  return servers.some(server => bare.includes(bareAddress(server)))
}

/**
 * Saves the cluster's brokers that this connection lists, and the addresses that led there. A full disk is no failure: the
 * next connection lists them again.
 */
export function rememberServers(home: Home, tried: readonly string[], connection: NatsConnection): void {
  const known = home.servers()
  const heard = distinctServers([...tried, ...alike(connection.info?.connect_urls ?? [], tried)])
  if (heard.join() === known.join()) return
  try {
    home.saveServers(heard)
  } catch (error) {
    if (!(error instanceof HomeFailed)) throw error
  }
}
