// Reads a broker's state from its monitoring address. A broker that does not answer counts as down.

import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { json } from 'node:stream/consumers'
import * as z from 'zod'
import { processTunables } from '../../config/cluster.ts'
import { logStream } from '../wire/subjects.ts'
import type { BrokerNode } from './cluster-plan.ts'
import { monitorPathOf } from './monitor-path.ts'

const leadership = z.object({ leader: z.string().optional() })
/** Each other replica of a stream, as reported by the stream's leader. */
const replica = z.object({ name: z.string(), offline: z.boolean().optional(), lag: z.number().optional() })
const jetStreamSchema = z.object({
  meta_cluster: leadership.optional(),
  account_details: z
    .array(
      z.object({
        stream_detail: z
          .array(
            z.object({
              name: z.string(),
              cluster: leadership.extend({ replicas: z.array(replica).optional() }).optional(),
            }),
          )
          .optional(),
      }),
    )
    .optional(),
})

type JetStream = z.infer<typeof jetStreamSchema>

export interface BrokerHealth {
  /** It serves clients and JetStream. */
  readonly up: boolean
  /** It knows a leader of the cluster, so a majority is connected and the log can be written. A single broker always has one. */
  readonly hasQuorum: boolean
  /** It leads the log or, before there is a log, the cluster's metadata. */
  readonly leads: boolean
}

const healthPath = '/healthz?js-enabled-only=true'
const jetStreamPath = '/jsz?streams=true&accounts=true'

export async function healthOf(node: BrokerNode): Promise<BrokerHealth> {
  const health = await get(node, healthPath)
  return healthIn(node.name, health, jetStreamSchema.safeParse(await get(node, jetStreamPath)).data)
}

function healthIn(name: string, health: unknown, jetStream: JetStream | undefined): BrokerHealth {
  if (health === undefined || jetStream === undefined) return { up: false, hasQuorum: false, leads: false }
  const { meta_cluster: meta } = jetStream
  const log = logIn(jetStream)
  const leader = meta === undefined ? name : (log?.cluster ?? meta).leader
  return { up: true, hasQuorum: meta === undefined || Boolean(meta.leader), leads: leader === name }
}

const variablesSchema = z.object({
  start: z.iso.datetime({ offset: true }),
  now: z.iso.datetime({ offset: true }),
  mem: z.number(),
  connections: z.number(),
  in_msgs: z.number(),
  out_msgs: z.number(),
  in_bytes: z.number(),
  out_bytes: z.number(),
})

export interface BrokerLoad {
  /** ms since 1970, by the broker's clock. The counts cover the time from `startedAt` to `at`. */
  readonly startedAt: number
  readonly at: number
  readonly memoryBytes: number
  readonly connections: number
  /** Sum of in and out. */
  readonly messages: number
  readonly bytes: number
  /** How many log entries each broker is behind; null if it is offline. Empty unless this broker leads the log. */
  readonly lags: ReadonlyMap<string, number | null>
}

/** Health and load. `load` is undefined when the broker does not report it. */
export async function statsOfBroker(
  node: BrokerNode,
): Promise<BrokerHealth & { readonly load: BrokerLoad | undefined }> {
  const { name } = node
  const [health, jetStream, variables] = await Promise.all([
    get(node, healthPath),
    get(node, jetStreamPath),
    get(node, '/varz'),
  ])
  const parsed = jetStreamSchema.safeParse(jetStream).data
  return { ...healthIn(name, health, parsed), load: loadIn(name, variables, parsed) }
}

function loadIn(name: string, variables: unknown, jetStream: JetStream | undefined): BrokerLoad | undefined {
  const parsed = variablesSchema.safeParse(variables)
  if (!parsed.success) return undefined
  const { start, now, mem, connections, in_msgs, out_msgs, in_bytes, out_bytes } = parsed.data
  const log = logIn(jetStream)
  // A single broker has no cluster block, and leads.
  const leads = log !== undefined && (log.cluster === undefined || log.cluster.leader === name)
  const others = log?.cluster?.replicas ?? []
  return {
    startedAt: Date.parse(start),
    at: Date.parse(now),
    memoryBytes: mem,
    connections,
    messages: in_msgs + out_msgs,
    bytes: in_bytes + out_bytes,
    lags: new Map(
      leads ? [[name, 0], ...others.map(each => [each.name, each.offline ? null : (each.lag ?? 0)] as const)] : [],
    ),
  }
}

const logIn = (jetStream: JetStream | undefined) =>
  jetStream?.account_details?.flatMap(account => account.stream_detail ?? []).find(stream => stream.name === logStream)

/** Whether its streams have caught up with the other brokers', so that one of those may be stopped. */
export const isCurrent = async (node: BrokerNode): Promise<boolean> => (await get(node, '/healthz')) !== undefined

/** Without `fetch`, which refuses ports that browsers block (6000, 10080, …): --port may lead to one. */
async function get(node: BrokerNode, what: string): Promise<unknown> {
  try {
    const path = `${monitorPathOf(node)}${what}`
    const signal = AbortSignal.timeout(processTunables.monitorTimeoutMs)
    const [response] = (await once(
      request({ host: '127.0.0.1', port: node.ports.monitor, path, signal, agent: false }).end(),
      'response',
    )) as [IncomingMessage]
    const body = await json(response)
    return response.statusCode === 200 ? body : undefined
  } catch {
    return undefined
  }
}
