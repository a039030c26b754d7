// Finds floods that no tracker hears: relayed bytes that nobody is there to take, or messages on subjects without a
// subscriber. Goes by what brokers count of each connection. An honest device sends little unless others answer it: relayed
// bytes go out within a window, and every few chunks are acknowledged. What exceeds that is cut off (docs/adr/0025).

import type { NatsConnection } from 'nats'
import type { Logger } from 'pino'
import * as z from 'zod'
import { unheardTunables } from '../../../config/load.ts'
import { trackerTunables } from '../../../config/tracker.ts'
import { isDeviceId, isId } from '../../domain/names.ts'
import { unlessBusy } from '../../domain/unless-busy.ts'
import { readJson } from '../../wire/json.ts'
import { peopleAccount } from './auth-callout.ts'
import type { LoadControl } from './load-control.ts'
import { deviceSource, type MessageSource } from './message-source.ts'

const connectionSchema = z.object({
  authorized_user: z.string().default(''),
  start: z.iso.datetime({ offset: true }),
  /** From the client. */
  in_bytes: z.number(),
  in_msgs: z.number(),
  /** To the client. */
  out_msgs: z.number(),
})
const listingSchema = z.object({
  data: z.object({ now: z.iso.datetime({ offset: true }), connections: z.array(connectionSchema) }),
})

/** What a connection may send in all: `burst`, so much for each second since it was made and for each message sent to it. */
export interface Allowance {
  readonly burst: number
  readonly perSecond: number
  readonly perDelivered: number
}

interface Settings {
  readonly bytes: Allowance
  readonly messages: Allowance
  readonly lookEveryMs: number
  readonly mostConnections: number
}

const allowed = ({ burst, perSecond, perDelivered }: Allowance, seconds: number, delivered: number) =>
  burst + perSecond * seconds + perDelivered * delivered

/** Undefined unless it is a device's own: others may publish only what trackers hear. */
function sourceOf(connectionName: string): MessageSource | undefined {
  const [user = '', device = '', ...more] = connectionName.split('.')
  return isId(user) && isDeviceId(device) && more.length === 0 ? deviceSource({ user, device }) : undefined
}

/** `sys` is a connection to the brokers' own account. Returns the function that ends it. */
export function watchForUnheardFloods(
  sys: Pick<NatsConnection, 'requestMany' | 'isClosed'>,
  load: Pick<LoadControl, 'cutOff'>,
  log: Logger,
  { bytes, messages, lookEveryMs, mostConnections }: Settings = unheardTunables,
): () => void {
  const isFlood = (connection: z.infer<typeof connectionSchema>, now: string) => {
    const seconds = Math.max(0, Date.parse(now) - Date.parse(connection.start)) / 1000
    const { in_bytes: sentBytes, in_msgs: sentMessages, out_msgs: delivered } = connection
    return sentBytes > allowed(bytes, seconds, delivered) || sentMessages > allowed(messages, seconds, delivered)
  }
  const look = async () => {
    const busiest = JSON.stringify({ acc: peopleAccount, auth: true, sort: 'bytes_from', limit: mostConnections })
    const answers = await sys.requestMany('$SYS.REQ.SERVER.PING.CONNZ', busiest, {
      strategy: 'stall',
      maxWait: trackerTunables.brokerAnswerMs,
    })
    for await (const answer of answers) {
      const listing = readJson(answer.data, listingSchema)?.data
      for (const connection of listing?.connections ?? []) {
        const source = isFlood(connection, listing!.now) ? sourceOf(connection.authorized_user) : undefined
        if (source) load.cutOff('unheard', source)
      }
    }
  }
  const lookAgain = unlessBusy(async () => {
    // The brokers may be busy electing a leader, or away.
    if (!sys.isClosed()) await look().catch(err => log.debug({ err }, 'the brokers did not list their connections'))
  })
  const timer = setInterval(lookAgain, lookEveryMs)
  return () => clearInterval(timer)
}
