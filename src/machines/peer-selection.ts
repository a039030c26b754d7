// Whom a download has links with, after a look-up: who is kept, who gives way, who is met anew. It decides and notes it in
// the ledger; the machine starts and stops the links. Always: one link a peer at most, none with a peer that was dropped,
// and never more than `downloadTunables.maxPeers`.

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

/** Peers that take up room and have brought nothing for a look-up or two, nor are asked for anything; oldest first. */
const idlersOf = ({ links, picker }: Ledger): PeerKey[] =>
  [...links.keys()].filter(key => !links.get(key)!.isOfUse && (picker?.inFlightAt(key).length ?? 0) === 0)

/** Steps in their order, for the peers that the trackers name now. */
export function selectPeers(ledger: Ledger, peers: readonly SwarmPeer[], nowMs: number): PeerStep[] {
  const { links, met, picker } = ledger
  const steps: PeerStep[] = []
  const located = new Map(peers.map(peer => [deviceKey(peer), peer]))
  const mayTry = (key: PeerKey) => !ledger.dropped.has(key) && (ledger.ended.get(key)?.againAtMs ?? 0) <= nowMs
  const stop = (key: PeerKey, goodbye?: string) => {
    links.delete(key)
    picker?.peerLeft(key)
    steps.push({ type: 'stop', key, goodbye })
  }
  /** Lets one go that delivers nothing now and does not fetch from us. */
  const makeRoom = () => {
    const key = [...links.keys()].find(each => !met.has(each) && picker?.inFlightAt(each).length === 0)
    if (key !== undefined) stop(key, 'others need us more')
    return key !== undefined
  }

  ledger.isLocated = true
  picker?.forgive()
  for (const [key, entry] of links) if (!located.has(key) && entry.state !== 'ready') stop(key)

  const untried = [...located.keys()].filter(key => !links.has(key) && mayTry(key))
  const lacking = links.size + untried.length - downloadTunables.maxPeers
  for (const key of idlersOf(ledger).slice(0, Math.max(0, Math.min(lacking, downloadTunables.givingWayAtOnce)))) {
    located.delete(key)
    stop(key)
  }
  for (const entry of links.values()) entry.isOfUse = false

  // By chance, or everybody in a large swarm would ask the same few; who fetches from us finds room, or who comes last
  // would be asked by nobody.
  const shuffled = [...located].map(each => ({ each, at: Math.random() })).sort((one, two) => one.at - two.at)
  for (const [key, peer] of shuffled.map(({ each }) => each)) {
    if (links.has(key)) steps.push({ type: 'refresh', key, peer })
    else if (mayTry(key) && (links.size < downloadTunables.maxPeers || (met.has(key) && makeRoom()))) {
      links.set(key, { isOfUse: true, state: 'connecting', reason: '', have: undefined, limit: undefined })
      steps.push({ type: 'open', key, peer })
    }
  }
  return steps
}
