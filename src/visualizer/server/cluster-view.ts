// The cluster as a visualizer's page shows it, from what trackers and, where they are reachable, brokers say of themselves.
// Pure but for the asking; what could not be asked is null. Rates are between two looks: the first has none, nor has what
// was started again since the last.

import type { BrokerLoad } from '../../cluster/monitoring.ts'
import { deviceKey } from '../../domain/device-ref.ts'
import type { TrackerStats, TrackerStatus } from '../../wire/tracker-status.ts'
import type { ClusterView } from '../../wire/visualizer-api.ts'
import type { SeenCluster, ViewSource } from './view-source.ts'

/** Each call is a look; the next one's rates are since this one. */
export function createClusterLook(source: ViewSource): () => Promise<ClusterView> {
  let before: Seen | undefined
  return async () => {
    const [statuses, looks, nodes] = await Promise.all([
      source.statuses().catch(() => []),
      source.stats().catch(() => []),
      source.nodes?.().catch(() => undefined),
    ])
    const isConnected = !source.connection.isClosed() && source.connection.info !== undefined
    const seen: Seen = { at: Date.now(), you: source.you, isConnected, statuses, looks, nodes }
    const view = clusterView(seen, before)
    before = seen
    return view
  }
}

export interface Seen {
  readonly at: number
  readonly you: ViewSource['you']
  readonly isConnected: boolean
  readonly statuses: readonly TrackerStatus[]
  readonly looks: readonly TrackerStats[]
  readonly nodes: SeenCluster | undefined
}

export function clusterView(seen: Seen, before?: Seen): ClusterView {
  const { at, isConnected, statuses, looks, nodes } = seen
  const furthest = Math.max(0, ...statuses.map(({ seq }) => seq))
  const trackers = [...statuses]
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .map(({ name, seq, digest, uptimeSeconds }): ClusterView['trackers'][number] => {
      const peers = statuses.filter(other => other.seq === seq && other.name !== name)
      return {
        name,
        state: 'running',
        seq,
        digest,
        isEqual: peers.length === 0 ? null : peers.every(other => other.digest === digest),
        lag: furthest - seq,
        uptimeSeconds,
        requestsPerSecond: requestRate(name, seen, before),
        online: looks.find(look => look.name === name)?.online ?? null,
      }
    })
  const silent = (nodes?.trackers ?? []).filter(tracker => !statuses.some(({ name }) => name === tracker))
  const view = {
    at,
    isConnected,
    brokers: brokersIn(seen, before),
    trackers: [
      ...trackers,
      ...silent.map(name => ({
        name,
        state: 'silent' as const,
        seq: 0,
        digest: '',
        isEqual: null,
        lag: furthest,
        uptimeSeconds: 0,
        requestsPerSecond: null,
        online: null,
      })),
    ],
    devices: devicesIn(seen),
    groups: groupsIn(seen),
  }
  return { ...view, problems: problemsOf(view) }
}

/** A second, since the last look; null where there was none, or the count began anew. */
function rate(before: number | undefined, now: number | undefined, elapsedMs: number): number | null {
  if (before === undefined || now === undefined || now < before || elapsedMs <= 0) return null
  return ((now - before) * 1000) / elapsedMs
}

function requestRate(name: string, now: Seen, before: Seen | undefined): number | null {
  const countIn = (seen: Seen | undefined) => seen?.looks.find(look => look.name === name)?.requests
  return rate(countIn(before), countIn(now), now.at - (before?.at ?? now.at))
}

function brokersIn({ nodes }: Seen, before: Seen | undefined): ClusterView['brokers'] {
  if (!nodes) return null
  const lags = nodes.brokers.flatMap(({ load }) => (load ? [...load.lags] : []))
  return nodes.brokers.map(({ node, state, leader, address, load }) => {
    const earlier = before?.nodes?.brokers.find(other => other.node === node)?.load
    const last = earlier?.startedAt === load?.startedAt ? earlier : undefined
    const perSecond = (what: (load: BrokerLoad) => number) =>
      load && last ? rate(what(last), what(load), load.at - last.at) : null
    return {
      name: node,
      state,
      leader,
      address,
      uptimeSeconds: load ? Math.max(0, Math.floor((load.at - load.startedAt) / 1000)) : null,
      lag: state === 'running' ? (lags.find(([name]) => name === node)?.[1] ?? null) : null,
      connections: load?.connections ?? null,
      messagesPerSecond: perSecond(({ messages }) => messages),
      bytesPerSecond: perSecond(({ bytes }) => bytes),
      memoryBytes: load?.memoryBytes ?? null,
    }
  })
}

/** Whoever any tracker takes for online: each hears every beat, and one that was just started has not heard all yet. */
function devicesIn({ looks, you }: Seen): ClusterView['devices'] {
  if (looks.length === 0) return null
  const all = new Map(looks.flatMap(({ devices }) => devices.map(each => [deviceKey(each), each] as const)))
  return [...all.values()]
    .map(({ user, device, fetching }) => ({
      user,
      device,
      isYou: user === you?.user && device === you.device,
      fetching,
    }))
    .sort((one, other) => (deviceKey(one) < deviceKey(other) ? -1 : 1))
}

function groupsIn({ you, looks, statuses }: Seen): ClusterView['groups'] {
  // Of the tracker that has read furthest.
  const seqOf = (look: TrackerStats) => statuses.find(({ name }) => name === look.name)?.seq ?? 0
  const [best] = looks.filter(look => look.groups !== null).sort((one, other) => seqOf(other) - seqOf(one))
  return (
    best?.groups?.map(group => ({
      ...group,
      you: you === null ? 'none' : group.owner === you.user ? 'owner' : 'member',
    })) ?? null
  )
}

function problemsOf({ isConnected, brokers, trackers }: Omit<ClusterView, 'problems'>): string[] {
  const problems: string[] = []
  if (!isConnected) problems.push('No broker is connected to this page’s server; it goes on trying.')
  const running = brokers?.filter(({ state }) => state === 'running').length ?? 0
  if (brokers && running < brokers.length)
    problems.push(
      running > brokers.length / 2
        ? `${running} of ${brokers.length} brokers run: everything goes on.`
        : `${running} of ${brokers.length} brokers run: nothing can be written until more do; downloads go on.`,
    )
  const answering = trackers.filter(({ state }) => state === 'running')
  if (answering.length === 0) problems.push('No tracker answers: nobody can log in; running downloads go on.')
  if (answering.some(({ isEqual }) => isEqual === false))
    problems.push('Trackers at the same sequence know different things: that must never be; please report it.')
  return problems
}
