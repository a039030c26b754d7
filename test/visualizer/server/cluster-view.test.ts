// What the page is told of a cluster, from what was seen at two stats.

import test from 'ava'
import type { BrokerStats } from '../../../src/cluster/cluster.ts'
import type { BrokerLoad } from '../../../src/cluster/monitoring.ts'
import { type ClusterSample, clusterView } from '../../../src/visualizer/server/cluster-view.ts'
import type { TrackerStats } from '../../../src/wire/tracker-status.ts'
import { clusterViewSchema } from '../../../src/wire/visualizer-api.ts'

const alice = { user: 'alice', device: 'a'.repeat(12) }
const bob = { user: 'bob', device: 'b'.repeat(12) }
const load: BrokerLoad = {
  startedAt: 1_000,
  at: 11_000,
  memoryBytes: 5,
  connections: 3,
  messages: 100,
  bytes: 1_000,
  lags: new Map([
    ['n1', 0],
    ['n2', 7],
    ['n3', null],
  ]),
}
const broker = (node: string, more: Partial<BrokerStats> = {}): BrokerStats => ({
  node,
  state: 'running',
  address: `127.0.0.1:${node}`,
  leader: node === 'n1',
  load: { ...load, lags: new Map() },
  ...more,
})
const cluster = (...brokers: BrokerStats[]) => ({ brokers, trackers: ['t1', 't2'] })
const look = (name: string, more: Partial<TrackerStats> = {}): TrackerStats => ({
  name,
  requests: 10,
  online: 1,
  devices: [{ ...alice, fetching: 2 }],
  groups: null,
  ...more,
})
const status = (name: string, seq = 5) => ({ name, seq, digest: 'd', uptimeSeconds: 1 })
const seen = (more: Partial<ClusterSample> = {}): ClusterSample => ({
  at: 20_000,
  you: alice,
  isConnected: true,
  statuses: [status('t1'), status('t2')],
  stats: [look('t1'), look('t2')],
  nodes: cluster(broker('n1', { load }), broker('n2'), broker('n3')),
  ...more,
})
const view = (now: ClusterSample, before?: ClusterSample) => clusterViewSchema.parse(clusterView(now, before))

test('The first stats give counts and no rates.', t => {
  const { brokers, trackers } = view(seen())
  t.deepEqual(
    brokers!.map(({ messagesPerSecond, bytesPerSecond }) => [messagesPerSecond, bytesPerSecond]),
    [1, 2, 3].map(() => [null, null]),
  )
  t.like(brokers![0], { uptimeSeconds: 10, connections: 3, memoryBytes: 5 })
  t.deepEqual(
    trackers.map(({ requestsPerSecond, online }) => [requestsPerSecond, online]),
    [
      [null, 1],
      [null, 1],
    ],
  )
})

test('Rates come from two stats and their sender’s clock, and are absent after a restart in between.', t => {
  const before = seen({ at: 18_000, stats: [look('t1', { requests: 4 }), look('t2', { requests: 500 })] })
  const now = seen({
    nodes: cluster(
      broker('n1', { load: { ...load, at: 15_000, messages: 300, bytes: 1_400 } }),
      broker('n2', { load: { ...load, startedAt: 12_000, at: 15_000, messages: 999 } }),
      broker('n3', { state: 'unready', load: undefined }),
    ),
  })
  const { brokers, trackers } = view(now, before)
  t.like(brokers![0], { messagesPerSecond: 50, bytesPerSecond: 100 })
  t.like(brokers![1], { messagesPerSecond: null, bytesPerSecond: null, uptimeSeconds: 3 })
  t.like(brokers![2], { messagesPerSecond: null, connections: null, memoryBytes: null, uptimeSeconds: null, lag: null })
  t.deepEqual(
    trackers.map(({ requestsPerSecond }) => requestsPerSecond),
    [3, null],
  )
})

test('The leader says how far brokers are behind; the lag of a broker that it does not hear from is unknown.', t => {
  t.deepEqual(
    view(seen()).brokers!.map(({ lag }) => lag),
    [0, 7, null],
  )
  t.deepEqual(
    view(seen({ nodes: cluster(broker('n2')) })).brokers!.map(({ lag }) => lag),
    [null],
  )
})

test('A device is online when any tracker says so, and is listed once.', t => {
  const both = [
    { ...alice, fetching: 2 },
    { ...bob, fetching: 0 },
  ]
  t.deepEqual(view(seen({ stats: [look('t1', { devices: [] }), look('t2', { devices: both })] })).devices, [
    { ...alice, fetching: 2, isYou: true },
    { ...bob, fetching: 0, isYou: false },
  ])
  t.is(view(seen({ stats: [] })).devices, null)
})

test('The groups come from the tracker that has applied most of the log.', t => {
  const group = (name: string) => [{ group: name, owner: 'bob', members: 2, files: 1 }]
  const stats = [look('t1', { groups: group('old') }), look('t2', { groups: group('reef') })]
  const statuses = [status('t1', 4), status('t2', 5)]
  t.deepEqual(view(seen({ you: null, stats, statuses })).groups, [
    { group: 'reef', owner: 'bob', members: 2, files: 1, you: 'none' },
  ])
  t.is(view(seen({ stats, statuses })).groups![0]!.you, 'member')
  t.is(view(seen({ you: bob, stats, statuses })).groups![0]!.you, 'owner')
  t.is(view(seen({ stats: [] })).groups, null)
})
