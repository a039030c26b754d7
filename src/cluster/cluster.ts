// The cluster on this machine: brokers n1.. and trackers t1.., each a process in the background with a folder of its
// own. Starting what runs and stopping what does not are harmless. Trackers stop before brokers and start after them.
// Everything here throws ClusterFailure, and nothing else, for what a person can put right.

import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { processes } from '../../config/tunables.ts'
import type { ClusterSecrets } from '../wire/cluster-secrets.ts'
import { brokerConfigOf, writeBrokerFiles } from './broker-files.ts'
import { ClusterFailure } from './cluster-failure.ts'
import {
  type BrokerNode,
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
  type TrackerNode,
  trackersOf,
} from './cluster-plan.ts'
import { findNatsServer } from './find-nats-server.ts'
import { firstTakenPort } from './free-port.ts'
import { healthOf } from './monitoring.ts'
import { end, lastWords, launch, type NodeProcess, pidOf } from './node-process.ts'
import { connectOperator, trackersThatAnswer } from './operator.ts'
import { shoalProgram } from './package-root.ts'
import { createSecrets, loadSecrets } from './secrets.ts'

export interface ClusterOptions extends Partial<ClusterPlan> {
  /** Absolute; the secrets, the logs and everything the brokers store are kept in it. */
  readonly folder: string
  /** Told of each step, in a line. */
  readonly say?: (line: string) => void
}

export interface NodeStatus {
  readonly node: string
  readonly kind: ClusterNode['kind']
  /** `unready`: the process is there and does not answer (yet). */
  readonly state: 'running' | 'unready' | 'stopped'
  /** For a broker, where clients reach it. */
  readonly address: string | null
  readonly pid: number | null
  readonly leader: boolean
}

export interface RunningCluster {
  /** For SHOAL_SERVERS. */
  readonly servers: string[]
  readonly nodes: NodeStatus[]
}

/** Starts what of the cluster does not run, and returns when all of it answers. What is not given stays as it was. */
export async function clusterUp({ folder, say = () => {}, ...wanted }: ClusterOptions): Promise<RunningCluster> {
  const plan = agreeOnPlan(folder, wanted)
  const secrets = createSecrets(folder)
  savePlan(folder, plan)
  const brokers = brokersOf(folder, plan)
  say(`starting ${brokers.length} ${brokers.length === 1 ? 'broker' : 'brokers'}`)
  const natsServer = await findNatsServer()
  const down = brokers.filter(broker => pidOf(processOf(folder, broker)) === undefined)
  for (const broker of down) await needPorts(broker, plan)
  for (const broker of down) launchBroker(broker, plan, secrets, natsServer)
  await brokersReady(brokers, ({ up, hasQuorum }) => up && hasQuorum)
  const trackers = trackersOf(folder, plan)
  if (trackers.length > 0) say(`starting ${trackers.length} ${trackers.length === 1 ? 'tracker' : 'trackers'}`)
  for (const tracker of trackers) launch(trackerProcess(folder, tracker))
  await trackersReady(folder, plan, trackers, secrets)
  return { servers: serversOf(plan), nodes: await clusterStatus(folder) }
}

/** Stops all of it; trackers first, so that they end with the brokers there. */
export async function clusterDown(folder: string, say: (line: string) => void = () => {}): Promise<void> {
  const nodes = nodesOf(folder, loadPlan(folder)).reverse()
  for (const kind of ['tracker', 'broker'] as const) {
    const running = nodes.filter(node => node.kind === kind).map(node => processOf(folder, node))
    say(`stopping ${running.map(({ name }) => name).join(', ') || `no ${kind}`}`)
    await Promise.all(running.map(node => end(node, 'SIGTERM')))
  }
}

/** Ends whatever of it runs, without being told; also after an `up` that failed. */
export async function killAll(folder: string): Promise<void> {
  const plan = findPlan(folder)
  if (!plan) return
  await Promise.all(nodesOf(folder, plan).map(node => end(processOf(folder, node), 'SIGKILL')))
}

export async function clusterStatus(folder: string): Promise<NodeStatus[]> {
  const plan = loadPlan(folder)
  const answering = new Set<string>()
  const secrets = loadSecrets(folder)
  for (const name of await trackerNames(plan, secrets)) answering.add(name)
  return Promise.all(
    nodesOf(folder, plan).map(async node => {
      const pid = pidOf(processOf(folder, node)) ?? null
      const health = node.kind === 'broker' && pid !== null ? await healthOf(node) : undefined
      const up = node.kind === 'broker' ? health?.up : answering.has(node.name)
      return {
        node: node.name,
        kind: node.kind,
        state: pid === null ? 'stopped' : up ? 'running' : 'unready',
        address: node.kind === 'broker' ? `${connectHost(plan)}:${node.ports.client}` : null,
        pid,
        leader: health?.leads ?? false,
      } satisfies NodeStatus
    }),
  )
}

/** Told to end, and gone when this returns. Throws `no-such-node` besides. */
export const stopNode = (folder: string, name: string): Promise<void> =>
  end(processOf(folder, findNode(folder, name)), 'SIGTERM')

/** Ended without being told. */
export const killNode = (folder: string, name: string): Promise<void> =>
  end(processOf(folder, findNode(folder, name)), 'SIGKILL')

/** Started, and answering when this returns; whether the brokers have a majority is another matter. */
export async function startNode(folder: string, name: string): Promise<void> {
  const node = findNode(folder, name)
  const plan = loadPlan(folder)
  const secrets = loadSecrets(folder)
  if (node.kind === 'broker') {
    if (pidOf(processOf(folder, node)) === undefined) {
      await needPorts(node, plan)
      launchBroker(node, plan, secrets, await findNatsServer())
    }
    await brokersReady([node], ({ up }) => up)
  } else {
    launch(trackerProcess(folder, node))
    await trackersReady(folder, plan, [node], secrets)
  }
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

const nodesOf = (folder: string, plan: ClusterPlan): ClusterNode[] => [
  ...brokersOf(folder, plan),
  ...trackersOf(folder, plan),
]

function findNode(folder: string, name: string): ClusterNode {
  const nodes = nodesOf(folder, loadPlan(folder))
  const node = nodes.find(one => one.name === name)
  if (node) return node
  const names = nodes.map(one => one.name).join(', ')
  throw new ClusterFailure('no-such-node', `there is no node of that name; this cluster has ${names}`)
}

function agreeOnPlan(folder: string, wanted: Partial<ClusterPlan>): ClusterPlan {
  const known = findPlan(folder)
  const parsed = clusterPlanSchema.safeParse({ ...defaultPlan, ...known, ...withoutUndefined(wanted) })
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw new ClusterFailure('usage', `--${issue?.path.join('.')}: ${issue?.message}`)
  }
  const plan = parsed.data
  if (!known) return plan
  if (plan.brokers !== known.brokers)
    throw new ClusterFailure(
      'other-cluster',
      `the cluster in ${folder} has ${known.brokers} brokers, and its log stays with them; use another folder for another cluster`,
    )
  const moved = plan.host !== known.host || plan.port !== known.port || plan.trackers < known.trackers
  const running = nodesOf(folder, known).filter(node => pidOf(processOf(folder, node)) !== undefined)
  if (moved && running.length > 0)
    throw new ClusterFailure(
      'other-cluster',
      `the cluster in ${folder} runs on ${known.host}:${known.port} with ${known.trackers} trackers; run shoal cluster down first`,
    )
  return plan
}

const withoutUndefined = <T extends object>(object: T): T =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T

const brokerProcess = (node: BrokerNode, natsServer: string): NodeProcess => ({
  name: node.name,
  folder: node.folder,
  program: natsServer,
  args: ['-c', brokerConfigOf(node)],
  telltale: [brokerConfigOf(node)],
})

const trackerProcess = (cluster: string, { name, folder }: TrackerNode): NodeProcess => ({
  name,
  folder,
  program: process.execPath,
  args: [shoalProgram, 'tracker', 'run', '--name', name, '--cluster', cluster],
  telltale: [name, cluster],
})

/** To look at or end one; which nats-server it was started with does not matter then. */
const processOf = (cluster: string, node: ClusterNode): NodeProcess =>
  node.kind === 'broker' ? brokerProcess(node, 'nats-server') : trackerProcess(cluster, node)

async function needPorts({ name, ports }: BrokerNode, { host, brokers }: ClusterPlan): Promise<void> {
  const taken =
    (await firstTakenPort(host, brokers === 1 ? [ports.client] : [ports.client, ports.route])) ??
    (await firstTakenPort('127.0.0.1', [ports.websocket, ports.monitor]))
  if (taken === undefined) return
  throw new ClusterFailure(
    'port-in-use',
    `${name} cannot listen on port ${taken}: something else does, or ${host} is no address of this machine; give others with --port and --host`,
  )
}

function launchBroker(node: BrokerNode, plan: ClusterPlan, secrets: ClusterSecrets, natsServer: string): void {
  writeBrokerFiles(node, plan, secrets)
  launch(brokerProcess(node, natsServer))
}

async function brokersReady(
  brokers: readonly BrokerNode[],
  isReady: (health: Awaited<ReturnType<typeof healthOf>>) => boolean,
): Promise<void> {
  const waiting = new Set(brokers)
  await until(
    async () => {
      for (const broker of waiting) if (isReady(await healthOf(broker))) waiting.delete(broker)
      return waiting.size === 0
    },
    () => [...waiting].map(broker => brokerProcess(broker, 'nats-server')),
  )
}

async function trackersReady(
  folder: string,
  plan: ClusterPlan,
  trackers: readonly TrackerNode[],
  secrets: ClusterSecrets,
): Promise<void> {
  const waiting = new Map(trackers.map(tracker => [tracker.name, tracker]))
  await until(
    async () => {
      if (waiting.size > 0) for (const name of await trackerNames(plan, secrets)) waiting.delete(name)
      return waiting.size === 0
    },
    () => [...waiting.values()].map(tracker => trackerProcess(folder, tracker)),
  )
}

/** Those of the trackers that answer; none when no broker does. */
async function trackerNames(plan: ClusterPlan, secrets: ClusterSecrets): Promise<string[]> {
  try {
    const connection = await connectOperator(serversOf(plan), secrets)
    const statuses = await trackersThatAnswer(connection)
    await connection.close()
    return statuses.map(({ name }) => name)
  } catch {
    return []
  }
}

/** Looks again until `isReady`. Throws `not-ready` as soon as one of those waited for has ended, or after too long. */
async function until(isReady: () => Promise<boolean>, waitingFor: () => NodeProcess[]): Promise<void> {
  const deadline = Date.now() + processes.startTimeoutMs
  while (!(await isReady())) {
    const ended = waitingFor().find(node => pidOf(node) === undefined)
    if (ended)
      throw new ClusterFailure('not-ready', `${ended.name} ended at once; see ${ended.folder}: ${lastWords(ended)}`)
    if (Date.now() > deadline) {
      const names = waitingFor().map(({ name }) => name)
      throw new ClusterFailure(
        'not-ready',
        `${names.join(', ')} did not get ready in time; see the logs in each folder`,
      )
    }
    await sleep(processes.lookEveryMs)
  }
}
