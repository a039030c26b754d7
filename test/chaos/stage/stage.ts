// The cluster and the agents of a run: three brokers, trackers and agents, each on a host of its own if hosts can be made.
// Nodes run the program of `source`, which may be another checkout.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Hosts } from '../../../bench/swarm/hosts.ts'
import { type Trust, trustOf } from '../../../src/actors/client/broker-trust.ts'
import { writeBrokerFiles } from '../../../src/cluster/broker-files.ts'
import { type BrokerNode, brokersOf, type ClusterPlan, usesTls } from '../../../src/cluster/cluster-plan.ts'
import { provideNatsServer } from '../../../src/cluster/find-nats-server.ts'
import { monitorPathOf } from '../../../src/cluster/monitor-path.ts'
import { createAuthoritySecrets, createSecrets } from '../../../src/cluster/secrets.ts'
import type { ClusterSecrets } from '../../../src/wire/cluster-secrets.ts'
import { type BrokerState, stateOf } from './broker-state.ts'
import { type Clock, createClock } from './clock.ts'
import { createPart, type Part } from './part.ts'
import { mountSmallDisk, type SmallDisk } from './small-disk.ts'

export interface Broker extends Part {
  state(): Promise<BrokerState | undefined>
  readonly store: string
}
export interface Node extends Part {
  readonly clock: Clock | undefined
  readonly disk: SmallDisk | undefined
}
export interface Tracker extends Node {
  readonly projection: string
}
export interface Agent extends Node {
  readonly home: string
}

export interface Stage {
  readonly hosts: Hosts
  readonly hasHosts: boolean
  readonly servers: string[]
  readonly secrets: ClusterSecrets
  /** The brokers' authority, for connections without a home. */
  readonly trust: Trust
  readonly brokers: readonly Broker[]
  readonly trackers: readonly Tracker[]
  readonly agents: readonly Agent[]
  leader(): Promise<Broker | undefined>
  /** Whether every broker has the whole log. */
  isCurrent(): Promise<boolean>
}

export interface StageOptions {
  readonly folder: string
  readonly hosts: Hosts
  readonly hasHosts: boolean
  readonly port: number
  readonly trackers: number
  readonly agents: number
  readonly source: string
  readonly faketime: string | undefined
  readonly hasSmallDisks: boolean
}

/** Nothing listens there: in the brokers' files it stands for the host that each port is on. */
const placeholder = '10.78.255.254'

export async function setStage(options: StageOptions): Promise<Stage> {
  const { folder, hosts, hasHosts, port, source, faketime, hasSmallDisks } = options
  const clusterFolder = join(folder, 'cluster')
  const addressOf = (index: number) => hosts.address(1 + index)
  const plan: ClusterPlan = {
    host: hasHosts ? placeholder : '127.0.0.1',
    port,
    brokers: 3,
    trackers: 0,
    tls: false,
    names: hasHosts ? [0, 1, 2].map(addressOf) : [],
  }
  const secrets = usesTls(plan) ? await createAuthoritySecrets(clusterFolder) : createSecrets(clusterFolder)
  const nodes = brokersOf(clusterFolder, plan)
  const { path: natsServer } = await provideNatsServer(() => {})
  const servers = nodes.map(({ ports }, index) => `nats://${addressOf(index)}:${ports.client}`)

  for (const node of nodes) await writeBrokerFiles(node, plan, secrets)
  const brokers = nodes.map((node, index): Broker => {
    if (hasHosts) placeBroker(node, nodes, addressOf)
    const config = join(node.folder, 'nats-server.conf')
    const part = createPart(hosts, {
      name: node.name,
      host: 1 + index,
      folder: node.folder,
      command: [natsServer, '-c', config],
    })
    const state = () => stateOf(node.name, `${addressOf(index)}:${node.ports.monitor}${monitorPathOf(node)}`)
    return Object.assign(part, { state, store: join(node.folder, 'store') })
  })

  const program = [process.execPath, join(source, 'bin', 'shoal.js')]
  const createNode = (name: string, host: number, where: string, args: string[], small: number | undefined): Node => {
    const disk = small === undefined || !hasSmallDisks ? undefined : mountSmallDisk(where, small)
    const clock = faketime === undefined ? undefined : createClock(faketime, join(folder, `${name}.clock`))
    const env = { SHOAL_PASSWORD: undefined, MALLOC_ARENA_MAX: '2', ...clock?.env }
    const command = [...program, ...args]
    return Object.assign(createPart(hosts, { name, host, folder: where, command, env }), { clock, disk })
  }
  const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1)
  const trackers = numbers(options.trackers).map((number): Tracker => {
    const name = `t${number}`
    const where = join(clusterFolder, name)
    const args = ['--servers', servers.join(), 'tracker', 'run', '--name', name, '--cluster', clusterFolder]
    // Large enough for what a run writes.
    const node = createNode(name, 3 + number, where, args, number === 1 ? 128 : undefined)
    return Object.assign(node, { projection: join(where, 'projection.db') })
  })
  const agents = numbers(options.agents).map((number): Agent => {
    const host = 3 + options.trackers + number
    const where = join(folder, `a${number}`)
    const home = join(where, 'home')
    const listen = `${hosts.address(host)}:${hasHosts ? 7_000 : 0}`
    const args = ['--home', home, '--servers', servers.join(), 'agent', 'run', '--listen', listen]
    return Object.assign(createNode(`a${number}`, host, where, args, number === 1 ? 128 : undefined), { home })
  })

  const states = () => Promise.all(brokers.map(broker => broker.state()))
  return {
    hosts,
    hasHosts,
    servers,
    secrets,
    trust: trustOf(() => secrets.authority?.certificate),
    brokers,
    trackers,
    agents,
    async leader() {
      const known = await states()
      return brokers.find((_, index) => known[index]?.leadsLog)
    },
    async isCurrent() {
      const known = await states()
      return known.every(state => state?.isUp) && known.some(state => state?.leadsLog && state.othersAreCurrent)
    },
  }
}

/** Each port belongs to one broker, and so identifies the host. */
function placeBroker(node: BrokerNode, all: readonly BrokerNode[], addressOf: (index: number) => string): void {
  const file = join(node.folder, 'config', 'node.conf')
  let text = readFileSync(file, 'utf8')
  for (const [index, { ports }] of all.entries()) {
    text = text.replaceAll(`127.0.0.1:${ports.monitor}`, `${addressOf(index)}:${ports.monitor}`)
    for (const port of [ports.client, ports.route, ports.websocket])
      text = text.replaceAll(`${placeholder}:${port}`, `${addressOf(index)}:${port}`)
  }
  writeFileSync(file, text, { mode: 0o600 })
}
