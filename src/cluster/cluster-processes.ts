// A cluster's nodes as processes: which program each runs, how it starts, and when it counts as ready. Starting a running
// node does nothing. Waiting for a node that has ended fails at once, with the end of its output.

import { setTimeout as sleep } from 'node:timers/promises'
import type { NatsConnection } from 'nats'
import { processTunables } from '../../config/cluster.ts'
import type { ClusterSecrets } from '../wire/cluster-secrets.ts'
import { brokerConfigOf, websocketHost, writeBrokerFiles } from './broker-files.ts'
import { ClusterFailure } from './cluster-failure.ts'
import {
  type BrokerNode,
  brokersOf,
  type ClusterNode,
  type ClusterPlan,
  serversOf,
  type TrackerNode,
} from './cluster-plan.ts'
import { describeNatsServer, provideNatsServer } from './find-nats-server.ts'
import { firstTakenPort } from './free-port.ts'
import { type BrokerHealth, healthOf } from './monitoring.ts'
import { lastOutput, type NodeProcess, pidOf, startProcess } from './node-process.ts'
import { connectOperator, trackersThatAnswer } from './operator.ts'
import { shoalProgram } from './package-root.ts'

export interface Cluster {
  readonly folder: string
  readonly plan: ClusterPlan
  readonly secrets: ClusterSecrets
}

/** A node's process, for checking or stopping it, whichever nats-server a broker was started with. */
export const processOf = (folder: string, node: ClusterNode): NodeProcess =>
  node.kind === 'broker' ? brokerProcess(node, 'nats-server') : trackerProcess(folder, node)

const brokerProcess = (node: BrokerNode, natsServer: string): NodeProcess => ({
  name: node.name,
  folder: node.folder,
  program: natsServer,
  args: ['-c', brokerConfigOf(node)],
  identifyingArgs: [brokerConfigOf(node)],
})

const trackerProcess = (cluster: string, { name, folder }: TrackerNode): NodeProcess => ({
  name,
  folder,
  program: process.execPath,
  args: [shoalProgram, 'tracker', 'run', '--name', name, '--cluster', cluster],
  identifyingArgs: [name, cluster],
})

/** Returns when `isReady` accepts each broker's health. Throws `no-nats-server`, `port-in-use`, `not-ready`. */
export async function startBrokers(
  { folder, plan, secrets }: Cluster,
  brokers: readonly BrokerNode[],
  isReady: (health: BrokerHealth) => boolean,
  say: (line: string) => void,
): Promise<void> {
  const isDown = (broker: BrokerNode) => pidOf(processOf(folder, broker)) === undefined
  const down = brokers.filter(isDown)
  if (down.length > 0) {
    const natsServer = await provideNatsServer(say)
    say(`brokers run ${await describeNatsServer(natsServer)}`)
    // All ports are checked before the first broker starts, so that a cluster never starts in part.
    for (const broker of down) await checkPorts(broker, plan)
    const running = brokersOf(folder, plan).filter(broker => !isDown(broker))
    for (const broker of down) {
      await writeBrokerFiles(broker, plan, secrets, running)
      startProcess(brokerProcess(broker, natsServer.path))
    }
  }
  const waiting = new Set(brokers)
  await until(
    async () => {
      for (const broker of waiting) if (isReady(await healthOf(broker))) waiting.delete(broker)
      return waiting.size === 0
    },
    () => [...waiting].map(broker => processOf(folder, broker)),
  )
}

/** Returns when each answers. Throws `not-ready`. */
export async function startTrackers(cluster: Cluster, trackers: readonly TrackerNode[]): Promise<void> {
  for (const tracker of trackers) startProcess(trackerProcess(cluster.folder, tracker))
  const waiting = new Map(trackers.map(tracker => [tracker.name, tracker]))
  const operator = operatorOf(cluster)
  try {
    await until(
      async () => {
        if (waiting.size > 0) for (const name of await operator.answeringTrackers()) waiting.delete(name)
        return waiting.size === 0
      },
      () => [...waiting.values()].map(tracker => processOf(cluster.folder, tracker)),
    )
  } finally {
    await operator.close()
  }
}

/** The names of the trackers that answer; empty when no broker does. */
export async function answeringTrackers(cluster: Omit<Cluster, 'folder'>): Promise<string[]> {
  const operator = operatorOf(cluster)
  try {
    return await operator.answeringTrackers()
  } finally {
    await operator.close()
  }
}

/** Polls the trackers over one connection, opened when first needed and again after a failure. */
function operatorOf({ plan, secrets }: Omit<Cluster, 'folder'>) {
  let connection: NatsConnection | undefined
  const close = async () => {
    await connection?.close()
    connection = undefined
  }
  return {
    async answeringTrackers(): Promise<string[]> {
      try {
        connection ??= await connectOperator(serversOf(plan), secrets)
        return (await trackersThatAnswer(connection)).map(({ name }) => name)
      } catch {
        await close()
        return []
      }
    },
    close,
  }
}

async function checkPorts({ name, ports }: BrokerNode, plan: ClusterPlan): Promise<void> {
  const { host, brokers } = plan
  const taken =
    (await firstTakenPort(host, brokers === 1 ? [ports.client] : [ports.client, ports.route])) ??
    (await firstTakenPort(websocketHost(plan), [ports.websocket])) ??
    (await firstTakenPort('127.0.0.1', [ports.monitor]))
  if (taken === undefined) return
  throw new ClusterFailure(
    'port-in-use',
    `${name} cannot listen on port ${taken}: something else does, or ${host} is not an address of this machine; choose others with --port and --host`,
  )
}

/** Polls until all are ready. Throws `not-ready` or `port-in-use` as soon as one of them has ended, or after too long. */
async function until(isReady: () => Promise<boolean>, waitingFor: () => NodeProcess[]): Promise<void> {
  const deadline = Date.now() + processTunables.startTimeoutMs
  while (!(await isReady())) {
    const ended = waitingFor().find(node => pidOf(node) === undefined)
    if (ended) {
      const words = lastOutput(ended)
      // Another process took a port after we found it free.
      const code = words.includes('address already in use') ? 'port-in-use' : 'not-ready'
      throw new ClusterFailure(code, `${ended.name} ended at once; see ${ended.folder}: ${words}`)
    }
    if (Date.now() > deadline) {
      const names = waitingFor().map(({ name }) => name)
      throw new ClusterFailure(
        'not-ready',
        `${names.join(', ')} did not get ready in time; see the logs in each folder`,
      )
    }
    await sleep(processTunables.lookEveryMs)
  }
}
