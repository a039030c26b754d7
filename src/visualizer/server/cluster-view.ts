// The cluster as the visualizer's page shows it, from what trackers and, where they are reachable, brokers report. What
// could not be asked is null. Rates are between two samples: the first sample has none, nor has a process that started
// again since the last one.

import type { BrokerLoad } from '../../cluster/monitoring.ts'
import { deviceKey } from '../../domain/device-ref.ts'
import type { TrackerStats, TrackerStatus } from '../../wire/tracker-status.ts'
import type { ClusterView } from '../../wire/visualizer-api.ts'
import type { ClusterNodes, ViewSource } from './view-source.ts'

/** Each call takes a sample. Its rates are since the call before. */
export function createClusterSampler(source: ViewSource): () => Promise<ClusterView> {
  let before: ClusterSample | undefined
  return async () => {
    const [statuses, stats, nodes] = await Promise.all([
      source.statuses().catch(() => []),
      source.stats().catch(() => []),
      source.nodes?.().catch(() => undefined),
    ])
    const isConnected = !source.connection.isClosed() && source.connection.info !== undefined
    const sample: ClusterSample = { at: Date.now(), you: source.you, isConnected, statuses, stats, nodes }
    const view = clusterView(sample, before)
    before = sample
    return view
  }
}

export interface ClusterSample {
  readonly at: number
  readonly you: ViewSource['you']
  readonly isConnected: boolean
  readonly statuses: readonly TrackerStatus[]
  readonly stats: readonly TrackerStats[]
  readonly nodes: ClusterNodes | undefined
}

export function clusterView(sample: ClusterSample, before?: ClusterSample): ClusterView {
  const { at, isConnected, statuses, stats, nodes } = sample
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
        requestsPerSecond: requestRate(name, sample, before),
        online: stats.find(each => each.name === name)?.online ?? null,
      }
    })
  const silent = (nodes?.trackers ?? []).filter(tracker => !statuses.some(({ name }) => name === tracker))
  const view = {
    at,
    isConnected,
    brokers: brokersIn(sample, before),
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
    devices: devicesIn(sample),
    groups: groupsIn(sample),
  }
  return { ...view, problems: problemsOf(view) }
}

/** Per second since the last sample; null without one, or when the count has started again. */
function rate(before: number | undefined, now: number | undefined, elapsedMs: number): number | null {
  if (before === undefined || now === undefined || now < before || elapsedMs <= 0) return null
  return ((now - before) * 1000) / elapsedMs
}

function requestRate(name: string, now: ClusterSample, before: ClusterSample | undefined): number | null {
  const countIn = (sample: ClusterSample | undefined) => sample?.stats.find(each => each.name === name)?.requests
  return rate(countIn(before), countIn(now), now.at - (before?.at ?? now.at))
}

function brokersIn({ nodes }: ClusterSample, before: ClusterSample | undefined): ClusterView['brokers'] {
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

/** Devices that any tracker considers online: a tracker that has just started has not heard from all of them yet. */
function devicesIn({ stats, you }: ClusterSample): ClusterView['devices'] {
  if (stats.length === 0) return null
  const all = new Map(stats.flatMap(({ devices }) => devices.map(each => [deviceKey(each), each] as const)))
  return [...all.values()]
    .map(({ user, device, fetching }) => ({
      user,
      device,
      isYou: user === you?.user && device === you.device,
      fetching,
    }))
    .sort((one, other) => (deviceKey(one) < deviceKey(other) ? -1 : 1))
}

function groupsIn({ you, stats, statuses }: ClusterSample): ClusterView['groups'] {
  // As the tracker that has applied the most has them.
  const seqOf = (each: TrackerStats) => statuses.find(({ name }) => name === each.name)?.seq ?? 0
  const [best] = stats.filter(each => each.groups !== null).sort((one, other) => seqOf(other) - seqOf(one))
  return (
    best?.groups?.map(group => ({
      ...group,
      you: you === null ? 'none' : group.owner === you.user ? 'owner' : 'member',
    })) ?? null
  )
}

function problemsOf({ isConnected, brokers, trackers }: Omit<ClusterView, 'problems'>): string[] {
  const problems: string[] = []
  if (!isConnected) problems.push('This page’s server is connected to no broker; it keeps trying.')
  const running = brokers?.filter(({ state }) => state === 'running').length ?? 0
  if (brokers && running < brokers.length)
    problems.push(
      running > brokers.length / 2
        ? `${running} of ${brokers.length} brokers run: everything still works.`
        : `${running} of ${brokers.length} brokers run: nothing can be changed until more are back; running downloads continue.`,
    )
  const answering = trackers.filter(({ state }) => state === 'running')
  if (answering.length === 0)
    problems.push('No tracker answers: logging in is not possible; running downloads continue.')
  if (answering.some(({ isEqual }) => isEqual === false))
    problems.push('Trackers at the same sequence differ. This is a bug: please report it.')
  return problems
}
