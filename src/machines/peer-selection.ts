// Which peers a download has sessions with after a look-up: which stay, which give way, which are added. It decides, and
// records it in the ledger; the machine starts and stops the sessions. Always: at most one session with a peer, none with
// a dropped peer, and never more than `downloadTunables.maxPeers`.

import { downloadTunables } from '../../config/swarm.ts'
import { deviceKey } from '../domain/device-ref.ts'
import type { SwarmPeer } from '../wire/tracker-api.ts'
import type { Ledger } from './download-ledger.ts'
import type { PeerKey } from './swarm-protocol.ts'

export type PeerStep =
  | { readonly type: 'refresh'; readonly key: PeerKey; readonly peer: SwarmPeer }
  | { readonly type: 'open'; readonly key: PeerKey; readonly peer: SwarmPeer }
  /** `goodbye`: what the peer is told first, if anything. */
  | { readonly type: 'stop'; readonly key: PeerKey; readonly goodbye: string | undefined }

/** The steps in order, for the peers that the trackers name now. `random` is from 0 up to 1. */
export function selectPeers(
  ledger: Ledger,
  peers: readonly SwarmPeer[],
  nowMs: number,
  random: () => number = Math.random,
): PeerStep[] {
  const { sessions, picker } = ledger
  const steps: PeerStep[] = []
  const located = new Map(peers.map(peer => [deviceKey(peer), peer]))
  const stop = (key: PeerKey, goodbye?: string) => {
    sessions.delete(key)
    picker?.peerLeft(key)
    steps.push({ type: 'stop', key, goodbye })
  }

  ledger.isLocated = true
  picker?.forgive()
  for (const [key, { state }] of sessions) if (!located.has(key) && state !== 'ready') stop(key)

  for (const key of idlersGivingWay(ledger, [...located.keys()], nowMs)) {
    located.delete(key)
    stop(key)
  }
  for (const session of sessions.values()) session.isOfUse = false

  for (const [key, peer] of shuffled([...located], random)) {
    if (sessions.has(key)) {
      steps.push({ type: 'refresh', key, peer })
      continue
    }
    if (!mayTry(ledger, key, nowMs)) continue
    if (sessions.size >= downloadTunables.maxPeers) {
      const replaced = ledger.fetchers.has(key) ? replaceable(ledger) : undefined
      if (replaced === undefined) continue
      stop(replaced, 'making room for another peer')
    }
    sessions.set(key, { isOfUse: true, state: 'connecting', reason: '', have: undefined, limit: undefined })
    steps.push({ type: 'open', key, peer })
  }
  return steps
}

const mayTry = ({ dropped, retries }: Ledger, key: PeerKey, nowMs: number): boolean =>
  !dropped.has(key) && (retries.get(key)?.retryAtMs ?? 0) <= nowMs

/** With too little room for the untried peers: sessions that have delivered nothing lately and have no request, oldest first. */
function idlersGivingWay(ledger: Ledger, located: readonly PeerKey[], nowMs: number): PeerKey[] {
  const { sessions, picker } = ledger
  const untried = located.filter(key => !sessions.has(key) && mayTry(ledger, key, nowMs))
  const lacking = sessions.size + untried.length - downloadTunables.maxPeers
  return [...sessions]
    .filter(([key, { isOfUse }]) => !isOfUse && (picker?.inFlightAt(key).length ?? 0) === 0)
    .map(([key]) => key)
    .slice(0, Math.max(0, Math.min(lacking, downloadTunables.givingWayAtOnce)))
}

/**
 * A session that can give way to a peer that fetches from us: it delivers nothing now, and its peer does not fetch from us.
 * Without this, no one would ask the last peer to join.
 */
const replaceable = ({ sessions, fetchers, picker }: Ledger): PeerKey | undefined =>
  [...sessions.keys()].find(key => !fetchers.has(key) && picker?.inFlightAt(key).length === 0)

/** Otherwise everyone in a large swarm would ask the same few peers. */
const shuffled = <T>(items: readonly T[], random: () => number): T[] =>
  items
    .map(item => ({ item, at: random() }))
    .sort((one, other) => one.at - other.at)
    .map(({ item }) => item)
