// The cluster as a visualizer's page shows it, from what trackers and, where they are reachable, brokers say of themselves.
// Pure but for the asking; what could not be asked is null.

import type { NodeStatus } from '../../cluster/cluster.ts'
import type { TrackerStatus } from '../../wire/tracker-api.ts'
import type { ClusterView } from '../../wire/visualizer-api.ts'
import type { ViewSource } from './view-source.ts'

export async function lookAtCluster(source: ViewSource): Promise<ClusterView> {
  const isConnected = !source.connection.isClosed() && source.connection.info !== undefined
  const [statuses, groups, nodes] = await Promise.all([
    source.statuses().catch(() => []),
    source.groups().catch(() => null),
    source.nodes?.().catch(() => undefined),
  ])
  return clusterView({ at: Date.now(), isConnected, statuses, groups, nodes })
}

export interface Seen {
  readonly at: number
  readonly isConnected: boolean
  readonly statuses: readonly TrackerStatus[]
  readonly groups: ClusterView['groups']
  readonly nodes: readonly NodeStatus[] | undefined
}

export function clusterView({ at, isConnected, statuses, groups, nodes }: Seen): ClusterView {
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
        requestsPerSecond: null,
        online: null,
      }
    })
  const silent = (nodes ?? []).filter(
    ({ kind, node }) => kind === 'tracker' && !statuses.some(({ name }) => name === node),
  )
  const brokers = nodes
    ?.filter(({ kind }) => kind === 'broker')
    .map(({ node, state, leader, address }) => ({
      name: node,
      state,
      leader,
      address,
      uptimeSeconds: null,
      lag: null,
      connections: null,
      messagesPerSecond: null,
      bytesPerSecond: null,
      memoryBytes: null,
    }))
  const view = {
    at,
    isConnected,
    brokers: brokers ?? null,
    trackers: [
      ...trackers,
      ...silent.map(({ node }) => ({
        name: node,
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
    devices: null,
    groups,
  }
  return { ...view, problems: problemsOf(view) }
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
