// Closes connections at all brokers. Their clients reconnect by themselves, and the trackers then decide whether they are
// let in.

import type { NatsConnection } from 'nats'
import * as z from 'zod'
import { trackerTunables } from '../../../config/tracker.ts'
import type { DeviceRef } from '../../domain/device-ref.ts'
import { originOf } from '../../domain/origin.ts'
import { readJson } from '../../wire/json.ts'
import { peopleAccount } from './auth-callout.ts'
import type { MessageSource } from './message-source.ts'
import { deviceConnectionName } from './permissions.ts'

const listingSchema = z.object({
  server: z.object({ id: z.string() }),
  data: z.object({ connections: z.array(z.object({ cid: z.number(), ip: z.string() })) }),
})

/** `sys` is a connection to the brokers' own account. Of many connections, each broker closes the 1,024 that sent most. */
export async function kickConnections(
  sys: Pick<NatsConnection, 'request' | 'requestMany'>,
  { connection, origin }: MessageSource,
): Promise<void> {
  const ofSource = JSON.stringify({ acc: peopleAccount, auth: true, user: connection, sort: 'msgs_from' })
  const answers = await sys.requestMany('$SYS.REQ.SERVER.PING.CONNZ', ofSource, {
    strategy: 'stall',
    maxWait: trackerTunables.brokerAnswerMs,
  })
  for await (const answer of answers) {
    const listing = readJson(answer.data, listingSchema)
    const meant = listing?.data.connections.filter(({ ip }) => origin === undefined || originOf(ip) === origin) ?? []
    // As a request: brokers ignore a KICK without a reply subject.
    const kick = ({ cid }: { cid: number }) =>
      sys.request(`$SYS.REQ.SERVER.${listing?.server.id}.KICK`, JSON.stringify({ cid }))
    await Promise.all(meant.map(kick))
  }
}

export const kickDevice = (sys: NatsConnection, device: DeviceRef): Promise<void> =>
  kickConnections(sys, { connection: deviceConnectionName(device) })
