// The cluster on this machine: brokers n1, n2.. and trackers t1, t2.., each a background process with its own folder.
// Starting a running node or stopping a stopped one does nothing. Trackers start after brokers and stop before them.
// Failures that a person can fix are thrown as ClusterFailure.

import { join } from 'node:path'
import type { ClusterSecrets } from '../wire/cluster-secrets.ts'
import { stopVisualizer } from './background-visualizer.ts'
import { ClusterFailure } from './cluster-failure.ts'
import { withClusterLock } from './cluster-lock.ts'
import {
  brokersOf,
  type ClusterNode,
  type ClusterPlan,
  clusterPlanSchema,
  connectHost,
  defaultPlan,
  findPlan,
  loadPlan,
  savePlan,
  serversOf,
  trackersOf,
  usesTls,
} from './cluster-plan.ts'
import { answeringTrackers, type Cluster, processOf, startBrokers, startTrackers } from './cluster-processes.ts'
import { type BrokerLoad, healthOf, statsOfBroker } from './monitoring.ts'
import { pidOf, stopProcess } from './node-process.ts'
import { refuseHalfRestored } from './restoring-mark.ts'
import { createAuthoritySecrets, createSecrets, loadSecrets, replaceSecrets } from './secrets.ts'

export interface ClusterOptions extends Partial<ClusterPlan> {
  /** Absolute path. Holds the secrets, the logs and everything that the brokers store. */
  readonly folder: string
  /** Called with one line of text for each step. */
  readonly say?: (line: string) => void
}

export interface NodeStatus {
  readonly node: string
  readonly kind: ClusterNode['kind']
  /** `unready`: the process runs, but does not answer (yet). */
  readonly state: 'running' | 'unready' | 'stopped'
  /** A broker's address for clients; null for a tracker. */
  readonly address: string | null
  readonly pid: number | null
  /** It leads the log. */
  readonly leader: boolean
}

export interface RunningCluster {
  /** For SHOAL_SERVERS. */
  readonly servers: string[]
  readonly nodes: NodeStatus[]
  /** The authority's certificate as PEM; undefined for a cluster without TLS. */
  readonly authority: string | undefined
}

const silently = () => {}

/** Starts every node that is not running, and returns when all answer. Options that are left out keep their values. */
export const clusterUp = (options: ClusterOptions): Promise<RunningCluster> =>
  withClusterLock(options.folder, () => up(options))

async function up({ folder, say = silently, ...wanted }: ClusterOptions): Promise<RunningCluster> {
  refuseHalfRestored(folder)
  const plan = planFrom(folder, wanted)
  const secrets = usesTls(plan) ? await createAuthoritySecrets(folder) : createSecrets(folder)
  savePlan(folder, plan)
  return startAll({ folder, plan, secrets }, say)
}

/** Starts every node that is not running, and returns when all answer. */
export async function startAll(cluster: Cluster, say: (line: string) => void): Promise<RunningCluster> {
  const { folder, plan, secrets } = cluster
  const brokers = brokersOf(folder, plan)
  const trackers = trackersOf(folder, plan)
  const isDown = (node: ClusterNode) => pidOf(processOf(folder, node)) === undefined

  const isAllNew = [...brokers, ...trackers].every(isDown)
  if (brokers.some(isDown)) say(`starting ${names(brokers.filter(isDown))}`)
  await startBrokers(cluster, brokers, ({ up, hasQuorum }) => up && hasQuorum, say)
  if (trackers.some(isDown)) say(`starting ${names(trackers.filter(isDown))}`)
  await startTrackers(cluster, trackers)
  if (isAllNew) endRotation(folder, secrets)
  const authority = usesTls(plan) ? secrets.authority?.certificate : undefined
  return { servers: serversOf(plan), nodes: await clusterStatus(folder), authority }
}

/** Ends a rotation once no node has the old secrets in memory. */
function endRotation(folder: string, { forgetting, ...secrets }: ClusterSecrets): void {
  if (forgetting) replaceSecrets(folder, secrets)
}

/** Stops all nodes, trackers first: they need the brokers to stop cleanly. */
export async function clusterDown(folder: string, say: (line: string) => void = silently): Promise<void> {
  const plan = loadPlan(folder)
  await withClusterLock(folder, async () => {
    await stopVisualizer(folder)
    for (const nodes of [trackersOf(folder, plan), brokersOf(folder, plan)]) {
      const running = nodes.map(node => processOf(folder, node)).filter(node => pidOf(node) !== undefined)
      if (running.length > 0) say(`stopping ${names(running)}`)
      await Promise.all(running.map(node => stopProcess(node, 'SIGTERM')))
    }
  })
}

export async function clusterStatus(folder: string): Promise<NodeStatus[]> {
  const plan = loadPlan(folder)
  const answering = new Set(await answeringTrackers({ plan, secrets: loadSecrets(folder) }))
  return Promise.all(
    nodesOf(folder, plan).map(async (node): Promise<NodeStatus> => {
      const pid = pidOf(processOf(folder, node))
      const health = node.kind === 'broker' && pid !== undefined ? await healthOf(node) : undefined
      const answers = health?.up ?? answering.has(node.name)
      return {
        node: node.name,
        kind: node.kind,
        state: pid === undefined ? 'stopped' : answers ? 'running' : 'unready',
        address: node.kind === 'broker' ? `${connectHost(plan)}:${node.ports.client}` : null,
        pid: pid ?? null,
        leader: health?.leads ?? false,
      }
    }),
  )
}

export interface BrokerStats extends Pick<NodeStatus, 'node' | 'state' | 'address' | 'leader'> {
  /** Undefined unless the broker answers at its monitoring address. */
  readonly load: BrokerLoad | undefined
}

/** The brokers' state, without asking the trackers: for a caller that polls and asks those itself. */
export async function clusterStats(folder: string): Promise<{ brokers: BrokerStats[]; trackers: string[] }> {
  const plan = loadPlan(folder)
  const brokers = brokersOf(folder, plan).map(async (node): Promise<BrokerStats> => {
    const { up, leads, load } =
      pidOf(processOf(folder, node)) === undefined
        ? { up: undefined, leads: false, load: undefined }
        : await statsOfBroker(node)
    return {
      node: node.name,
      state: up === undefined ? 'stopped' : up ? 'running' : 'unready',
      address: `${connectHost(plan)}:${node.ports.client}`,
      leader: leads,
      load,
    }
  })
  return { brokers: await Promise.all(brokers), trackers: trackersOf(folder, plan).map(({ name }) => name) }
}

/** Stops it by SIGTERM; resolves once it has ended. */
export const stopNode = (folder: string, name: string): Promise<void> =>
  stopProcess(processOf(folder, findNode(folder, name)), 'SIGTERM')

/** Kills it; resolves once it has ended. */
export const killNode = (folder: string, name: string): Promise<void> =>
  stopProcess(processOf(folder, findNode(folder, name)), 'SIGKILL')

/** Returns when the node answers, even if the brokers have no majority. */
export async function startNode(folder: string, name: string): Promise<void> {
  refuseHalfRestored(folder)
  const node = findNode(folder, name)
  const cluster = { folder, plan: loadPlan(folder), secrets: loadSecrets(folder) }
  await withClusterLock(folder, () =>
    node.kind === 'broker' ? startBrokers(cluster, [node], ({ up }) => up, silently) : startTrackers(cluster, [node]),
  )
}

/** What `tracker run --name … --cluster FOLDER` hands to the tracker. `servers` are for a folder without cluster.json. */
export function trackerOptions(
  folder: string,
  name: string,
  servers: readonly string[],
): { name: string; servers: string[]; folder: string; secrets: ClusterSecrets; brokers: number } {
  const plan = findPlan(folder)
  return {
    name,
    servers: plan ? serversOf(plan) : [...servers],
    folder: join(folder, name),
    secrets: loadSecrets(folder),
    brokers: plan?.brokers ?? servers.length,
  }
}

const names = (nodes: readonly { readonly name: string }[]) => nodes.map(({ name }) => name).join(', ')

const nodesOf = (folder: string, plan: ClusterPlan): ClusterNode[] => [
  ...brokersOf(folder, plan),
  ...trackersOf(folder, plan),
]

function findNode(folder: string, name: string): ClusterNode {
  const nodes = nodesOf(folder, loadPlan(folder))
  const node = nodes.find(one => one.name === name)
  if (node) return node
  throw new ClusterFailure(
    'no-such-node',
    `there is no node called ${name.slice(0, 40)}; this cluster has ${names(nodes)}`,
  )
}

/** The cluster's plan with the wanted changes. Throws ClusterFailure: `other-cluster` for what cannot change (now), `usage`. */
export function planFrom(folder: string, wanted: Partial<ClusterPlan>): ClusterPlan {
  const known = findPlan(folder)
  const parsed = clusterPlanSchema.safeParse({ ...defaultPlan, ...known, ...wanted })
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw new ClusterFailure('usage', `--${issue?.path.join('.')}: ${issue?.message}`)
  }
  const plan = parsed.data
  if (!known) return plan
  if (plan.brokers !== known.brokers)
    throw new ClusterFailure(
      'other-cluster',
      `the cluster in ${folder} has ${known.brokers} brokers, and their number cannot change; create another cluster in another folder`,
    )
  const differs =
    plan.host !== known.host ||
    plan.port !== known.port ||
    plan.trackers < known.trackers ||
    plan.tls !== known.tls ||
    plan.names.join() !== known.names.join()
  const runs = nodesOf(folder, known).some(node => pidOf(processOf(folder, node)) !== undefined)
  if (differs && runs)
    throw new ClusterFailure(
      'other-cluster',
      `the cluster in ${folder} runs on ${known.host}:${known.port} with ${known.trackers} trackers; run shoal cluster down first`,
    )
  return plan
}
