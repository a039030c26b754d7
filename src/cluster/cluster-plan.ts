// The plan of the cluster in a folder: how many brokers and trackers it has, and where they listen. The first `cluster up`
// writes it to cluster.json. Everything else about a node follows from the plan and the node's name.

import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { hostname, networkInterfaces } from 'node:os'
import { join } from 'node:path'
import * as z from 'zod'
import { isLoopback } from '../domain/loopback.ts'
import { ClusterFailure } from './cluster-failure.ts'
import { readClusterFile } from './read-cluster-file.ts'

const maxNodes = 9

const hostSchema = z.string().regex(/^[\w.:-]{1,253}$/, 'not a host name or an address')

export const clusterPlanSchema = z.strictObject({
  /** An address of this machine that brokers listen on, for clients and for each other. */
  host: hostSchema,
  /** n1's client port. All other ports follow from it. */
  port: z
    .number()
    .int()
    .min(1)
    .max(65_535 - 50),
  brokers: z.number().int().min(1).max(maxNodes),
  trackers: z.number().int().min(0).max(maxNodes),
  /** Use TLS on the loopback too. Elsewhere TLS is always used. */
  tls: z.boolean().default(false),
  /** Further names and addresses of this machine, which the brokers' certificates also name. */
  names: z.array(hostSchema).max(20).default([]),
})
export type ClusterPlan = z.infer<typeof clusterPlanSchema>

export const defaultPlan: ClusterPlan = {
  host: '127.0.0.1',
  port: 4222,
  brokers: 3,
  trackers: 2,
  tls: false,
  names: [],
}

export interface BrokerPorts {
  readonly client: number
  readonly route: number
  readonly websocket: number
  readonly monitor: number
}

export interface BrokerNode {
  readonly kind: 'broker'
  readonly name: string
  readonly folder: string
  readonly ports: BrokerPorts
}
export interface TrackerNode {
  readonly kind: 'tracker'
  readonly name: string
  readonly folder: string
}
export type ClusterNode = BrokerNode | TrackerNode

const count = (n: number) => Array.from({ length: n }, (_, index) => index)

const portsOf = ({ port }: ClusterPlan, index: number): BrokerPorts => ({
  client: port + index,
  route: port + 10 + index,
  websocket: port + 20 + index,
  monitor: port + 30 + index,
})

export const brokersOf = (folder: string, plan: ClusterPlan): BrokerNode[] =>
  count(plan.brokers).map(i => ({
    kind: 'broker',
    name: `n${i + 1}`,
    folder: join(folder, `n${i + 1}`),
    ports: portsOf(plan, i),
  }))

export const trackersOf = (folder: string, plan: ClusterPlan): TrackerNode[] =>
  count(plan.trackers).map(i => ({ kind: 'tracker', name: `t${i + 1}`, folder: join(folder, `t${i + 1}`) }))

/** The visualizer's default port. Brokers accept browsers from this origin only. */
export const visualizerPort = (plan: ClusterPlan): number => plan.port + 40

/** The host at which this machine connects to the brokers. */
export const connectHost = ({ host }: ClusterPlan): string => {
  const near = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return bracketed(near)
}

/** `host` as it is written before a port: an IPv6 address in brackets. */
export const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host)

/** Whether all traffic of the brokers is encrypted. Traffic that may leave this machine always is. */
export const usesTls = ({ host, tls }: ClusterPlan): boolean => tls || !isLoopback(host)

/** The names and addresses in a broker's certificate: every one by which clients may reach it. */
export function certifiedNames({ host, names }: ClusterPlan): string[] {
  const isAnywhere = host === '0.0.0.0' || host === '::'
  const own = Object.values(networkInterfaces()).flatMap(addresses => addresses?.map(({ address }) => address) ?? [])
  const here = isAnywhere ? [hostname(), ...own.map(address => address.replace(/%.*$/, ''))] : [host]
  return [...new Set([...here, ...names, 'localhost', '127.0.0.1', '::1'])]
}

/** Every broker's address for clients. */
export const serversOf = (plan: ClusterPlan): string[] =>
  count(plan.brokers).map(i => `${usesTls(plan) ? 'tls' : 'nats'}://${connectHost(plan)}:${portsOf(plan, i).client}`)

/** Undefined when the folder holds no cluster. */
export const findPlan = (folder: string): ClusterPlan | undefined =>
  readClusterFile(join(folder, 'cluster.json'), clusterPlanSchema, 'repair it, or remove it and run shoal cluster up')

/** Throws ClusterFailure `no-cluster` when the folder holds no cluster. */
export function loadPlan(folder: string): ClusterPlan {
  const plan = findPlan(folder)
  if (plan) return plan
  throw new ClusterFailure(
    'no-cluster',
    `there is no cluster in ${folder}; name the --home that holds one, or create one with shoal cluster up`,
  )
}

export function savePlan(folder: string, plan: z.input<typeof clusterPlanSchema>): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const fresh = join(folder, `.cluster.json.${process.pid}`)
  writeFileSync(fresh, `${JSON.stringify(plan)}\n`, { mode: 0o600 })
  renameSync(fresh, join(folder, 'cluster.json'))
}
