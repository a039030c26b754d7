// Ends a device's connections at the brokers, wherever they are. It connects again by itself, and is let in or not
// by what the trackers then know of it.

import type { NatsConnection } from 'nats'
import { z } from 'zod'
import { tracker } from '../../../config/tunables.ts'
import type { Actor } from '../../domain/decider.ts'
import { peopleAccount } from './auth-callout.ts'
import { deviceConnectionName } from './permissions.ts'
import { parseBody } from './tracker-messages.ts'

const listingSchema = z.object({
  server: z.object({ id: z.string() }),
  data: z.object({
    total: z.number(),
    connections: z.array(z.object({ cid: z.number(), name_tag: z.string().optional() })),
  }),
})

/** Connections listed in one answer of a broker. */
const pageConnections = 1024

/** `sys` is a connection to the brokers' own account. */
export async function cutOff(sys: NatsConnection, device: Actor): Promise<void> {
  const name = deviceConnectionName(device)
  for (let offset = 0, most = 1; offset < most; offset += pageConnections) {
    most = 0
    const options = { acc: peopleAccount, auth: true, limit: pageConnections, offset }
    const answers = await sys.requestMany('$SYS.REQ.SERVER.PING.CONNZ', JSON.stringify(options), {
      strategy: 'stall',
      maxWait: tracker.brokerAnswerMs,
    })
    for await (const answer of answers) {
      const listing = parseBody(answer, listingSchema)
      if (!listing) continue
      const { server, data } = listing
      most = Math.max(most, data.total)
      for (const { cid } of data.connections.filter(connection => connection.name_tag === name))
        sys.publish(`$SYS.REQ.SERVER.${server.id}.KICK`, JSON.stringify({ cid }))
    }
  }
}
