// What a broker says of itself at its monitoring address. Silence is an answer, too: the broker is not up.

import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { json } from 'node:stream/consumers'
import { z } from 'zod'
import { processes } from '../../config/tunables.ts'
import { logStream } from '../wire/subjects.ts'
import type { BrokerNode } from './cluster-plan.ts'

const leadership = z.object({ leader: z.string().optional() })
const jetStreamSchema = z.object({
  meta_cluster: leadership.optional(),
  account_details: z
    .array(
      z.object({
        stream_detail: z.array(z.object({ name: z.string(), cluster: leadership.optional() })).optional(),
      }),
    )
    .optional(),
})

export interface BrokerHealth {
  /** It serves clients and JetStream. */
  readonly up: boolean
  /** It knows of a majority of brokers, without which nothing can be written; a broker alone is one. */
  readonly hasQuorum: boolean
  /** It leads the log, or where there is no log yet, the brokers. */
  readonly leads: boolean
}

export async function healthOf({ name, ports }: BrokerNode): Promise<BrokerHealth> {
  const health = await get(ports.monitor, '/healthz?js-enabled-only=true')
  const jetStream = jetStreamSchema.safeParse(await get(ports.monitor, '/jsz?streams=true&accounts=true'))
  if (health === undefined || !jetStream.success) return { up: false, hasQuorum: false, leads: false }
  const { meta_cluster: meta, account_details: accounts = [] } = jetStream.data
  const log = accounts.flatMap(account => account.stream_detail ?? []).find(stream => stream.name === logStream)
  const leader = meta === undefined ? name : (log?.cluster ?? meta).leader
  return { up: true, hasQuorum: meta === undefined || Boolean(meta.leader), leads: leader === name }
}

/** Whether everything that it keeps is as new as the others', so that one of those may be stopped. */
export const isCurrent = async ({ ports }: BrokerNode): Promise<boolean> =>
  (await get(ports.monitor, '/healthz')) !== undefined

/** Not `fetch`: it refuses the ports that browsers may not use, of which a person's --port can be one (10080, 6000, …). */
async function get(port: number, path: string): Promise<unknown> {
  try {
    const signal = AbortSignal.timeout(processes.monitorTimeoutMs)
    const [response] = (await once(
      request({ host: '127.0.0.1', port, path, signal, agent: false }).end(),
      'response',
    )) as [IncomingMessage]
    const body = await json(response)
    return response.statusCode === 200 ? body : undefined
  } catch {
    return undefined
  }
}
