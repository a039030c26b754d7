// Asks the trackers. Repeats each request under its id until a tracker answers, so that people notice neither a dying
// tracker nor an election among the brokers. An answer to any copy counts, and the request acts once. Sends the highest
// sequence it has seen, so that no tracker answers from behind it.

import { randomUUID } from 'node:crypto'
import { createInbox, errors, type NatsConnection, type Subscription } from 'nats'
import type * as z from 'zod'
import { gatherTunables, requestTunables } from '../../../config/client.ts'
import type { DeviceRef } from '../../domain/device-ref.ts'
import { isLater } from '../../domain/log-position.ts'
import { done, type Outcome, refuse } from '../../domain/refusal.ts'
import { readJson } from '../../wire/json.ts'
import { apiSubject, inboxPrefix, trackersStats, trackersStatus } from '../../wire/subjects.ts'
import {
  mayYetTakeEffect,
  type TrackerMethod,
  type TrackerParams,
  type TrackerReply,
  type TrackerResult,
  trackerMethods,
  trackerReplySchema,
} from '../../wire/tracker-api.ts'
import {
  type TrackerStats,
  type TrackerStatus,
  trackerStatsSchema,
  trackerStatusSchema,
} from '../../wire/tracker-status.ts'
import { isNoResponders } from './no-responders.ts'

export interface TrackerClient {
  /** `askedAt` (ms since 1970): when the person began to wait, if a connection had to be made first. Default: now. */
  ask<M extends TrackerMethod>(
    method: M,
    params: TrackerParams<M>,
    askedAt?: number,
  ): Promise<Outcome<TrackerResult<M>>>
  /** Of every tracker that answers, by name. */
  statuses(): Promise<TrackerStatus[]>
  /** Statistics of every tracker that answers, by name, with the online devices that the client may see. */
  stats(): Promise<TrackerStats[]>
  /** The highest sequence seen so far; a device saves it for its next process. */
  readonly seen: number
  /** Of the log that `seen` is of (domain/log-position.ts); 0 before the first answer. */
  readonly epoch: number
  /** Notes a later sequence learned elsewhere (from a notice, or another process of this device). */
  advance(seq: number, epoch?: number): void
}

/** The methods of a NATS connection used here. */
type Transport = Pick<NatsConnection, 'publish' | 'subscribe' | 'requestMany'>

const closed = (error: unknown) =>
  refuse('unreachable', `the connection to the brokers is closed: ${(error as Error).message}`)

/**
 * Publishes `body` on `subject` until a reply parses; `prefix` is the inbox prefix that the connection may hear. At least
 * once, and until `requestTunables.deadlineMs` after `askedAt` (ms since 1970).
 * A refusal of one of several copies is asked for again, at another inbox (docs/adr/0012): that one alone is final.
 * Refuses with `unreachable` when no tracker is there or none answers.
 */
export function askPersistently(
  transport: Pick<Transport, 'publish' | 'subscribe'>,
  prefix: string,
  subject: string,
  body: unknown,
  askedAt = Date.now(),
): Promise<Outcome<TrackerReply>> {
  const { promise, resolve } = Promise.withResolvers<Outcome<TrackerReply>>()
  const inbox = createInbox(prefix)
  const payload = JSON.stringify(body)
  let copies = 0
  let noRespondersSince: number | undefined
  let again: NodeJS.Timeout
  const end = () => {
    clearTimeout(again)
    subscription.unsubscribe()
  }
  const finish = (outcome: Outcome<TrackerReply>) => {
    end()
    resolve(outcome)
  }
  const listen = (): Subscription =>
    transport.subscribe(inbox, {
      callback: (error, message) => {
        if (error) return finish(refuse('unreachable', `the brokers refused this request: ${error.message}`))
        if (isNoResponders(message)) {
          noRespondersSince ??= Date.now()
          clearTimeout(again)
          again = setTimeout(publish, requestTunables.noRespondersRetryMs)
          return
        }
        const reply = readJson(message.data, trackerReplySchema)
        if (!reply) return
        if (copies === 1 || reply.ok) return finish(done(reply))
        if (reply.code === 'no-quorum') return finish(done({ ...reply, message: mayYetTakeEffect }))
        // Another copy may still be at work and succeed; without a subscriber at this inbox it will not act.
        end()
        resolve(askPersistently(transport, prefix, subject, body, askedAt))
      },
    })
  let subscription: Subscription
  try {
    subscription = listen()
  } catch (error) {
    return Promise.resolve(closed(error))
  }
  const publish = () => {
    const now = Date.now()
    if (noRespondersSince !== undefined && now - noRespondersSince > requestTunables.noRespondersMs)
      return finish(refuse('unreachable', 'no tracker is reachable; try again in a moment'))
    if (copies > 0 && now - askedAt > requestTunables.deadlineMs)
      return finish(
        refuse('unreachable', 'no tracker answered in time; this may have taken effect, so check before you repeat it'),
      )
    try {
      transport.publish(subject, payload, { reply: inbox })
      copies++
    } catch (error) {
      return finish(closed(error))
    }
    again = setTimeout(publish, requestTunables.repeatAfterMs)
  }
  publish()
  return promise
}

export function createTrackerClient(
  transport: Transport,
  by: DeviceRef,
  seenBefore = 0,
  epochBefore = 0,
): TrackerClient {
  let seen = seenBefore
  let epoch = epochBefore
  const advance = (seq: number, of = epoch) => {
    if (isLater({ epoch: of, seq }, { epoch, seq: seen })) seen = seq
    epoch = Math.max(of, epoch)
  }
  /** Asks every tracker; ends when none answers any more, at once where there is none. */
  async function gather<A extends { readonly name: string }>(
    subject: string,
    schema: z.ZodType<A>,
    { firstMs, nextMs } = gatherTunables,
  ) {
    const found = new Map<string, A>()
    const options = { strategy: 'stall', maxWait: firstMs, stall: nextMs } as const
    try {
      for await (const { data } of await transport.requestMany(subject, '', options)) {
        const answer = readJson(data, schema)
        if (answer) found.set(answer.name, answer)
      }
    } catch (error) {
      if (!(error instanceof errors.NoRespondersError)) throw error
    }
    return [...found.values()].sort((a, b) => a.name.localeCompare(b.name))
  }

  return {
    get seen() {
      return seen
    },
    get epoch() {
      return epoch
    },
    advance,

    async ask(method, params, askedAt) {
      const request = { id: randomUUID(), seen, ...(epoch === 0 ? {} : { epoch }), params }
      const subject = apiSubject(by, trackerMethods[method].kind, method)
      const answer = await askPersistently(transport, inboxPrefix(by.user), subject, request, askedAt)
      if (!answer.ok) return answer
      const reply = answer.value
      advance(reply.seq, reply.epoch)
      if (!reply.ok) return refuse(reply.code, reply.message)
      const result = trackerMethods[method].result.safeParse(reply.result)
      if (!result.success)
        return refuse(
          'unreachable',
          `a tracker answered ${method} in a form that this version does not know; update shoal`,
        )
      return done(result.data as TrackerResult<typeof method>)
    },

    statuses: () => gather(trackersStatus(by), trackerStatusSchema),
    stats: () => gather(trackersStats(by), trackerStatsSchema),
  }
}
