// Closes a device's connections at all brokers. The device reconnects by itself, and the trackers then decide whether it
// is let in.

import type { NatsConnection } from 'nats'
import * as z from 'zod'
import { trackerTunables } from '../../../config/tracker.ts'
import type { DeviceRef } from '../../domain/device-ref.ts'
import { readJson } from '../../wire/json.ts'
import { peopleAccount } from './auth-callout.ts'
import { deviceConnectionName } from './permissions.ts'

const listingSchema = z.object({
  server: z.object({ id: z.string() }),
  data: z.object({ connections: z.array(z.object({ cid: z.number() })) }),
})

/** `sys` is a connection to the brokers' own account. */
export async function kickDevice(sys: NatsConnection, device: DeviceRef): Promise<void> {
  const ofDevice = JSON.stringify({ acc: peopleAccount, auth: true, user: deviceConnectionName(device) })
  const answers = await sys.requestMany('$SYS.REQ.SERVER.PING.CONNZ', ofDevice, {
    strategy: 'stall',
    maxWait: trackerTunables.brokerAnswerMs,
  })
  for await (const answer of answers) {
    const listing = readJson(answer.data, listingSchema)
    // As a request: brokers ignore a KICK without a reply subject.
    for (const { cid } of listing?.data.connections ?? [])
      await sys.request(`$SYS.REQ.SERVER.${listing?.server.id}.KICK`, JSON.stringify({ cid }))
  }
}
