// Answers devices' requests, sign-ups and logins; each goes to one tracker of the queue group. The subject says who asks,
// and the brokers vouch for it; everything else is checked here first. What this tracker cannot answer now it does not
// answer at all: the client then asks again, and another tracker may answer.

import type { NatsConnection } from 'nats'
import * as z from 'zod'
import { disabled } from '../../domain/account.ts'
import type { DeviceRef } from '../../domain/device-ref.ts'
import { epochOf } from '../../domain/log-position.ts'
import { isFileName, isId, parseFileName, parseId } from '../../domain/names.ts'
import { formatBytes } from '../../domain/quantities.ts'
import { type Outcome, type Refusal, refuse } from '../../domain/refusal.ts'
import { readJson } from '../../wire/json.ts'
import {
  addressOf,
  anyAccountRequest,
  anyApi,
  anyOperator,
  anyPasswordVersion,
  anySignUp,
  guestInboxes,
  inboxPrefix,
  operatorAsking,
  type RequestKind,
  trackerQueue,
} from '../../wire/subjects.ts'
import {
  type TrackerMethod,
  type TrackerParams,
  type TrackerReply,
  trackerMethods,
  trackerRequestSchema,
} from '../../wire/tracker-api.ts'
import { createAccountRequests } from './account-requests.ts'
import { type CatchUp, createCatchUp } from './catch-up.ts'
import { proposalOf, type WriteMethod } from './commands.ts'
import { type Commit, createCommit } from './commit.ts'
import { createQueries } from './create-queries.ts'
import { createIntake, type Intake, inboxOfUser, type Taken } from './intake.ts'
import { sourceOfDevice, sourceOfGuest, sourceOfOperator, sourceOfPassword } from './message-source.ts'
import { createOperatorRequests } from './operator-requests.ts'
import type { Queries, ReadMethod } from './queries.ts'
import { createQuorum } from './quorum.ts'
import { createHasInterest, type HasInterest } from './reply-interest.ts'
import { answerOnce } from './tracker-messages.ts'
import type { TrackerActor, TrackerParts } from './tracker-parts.ts'
import { answerStats } from './tracker-stats.ts'
import { answerStatus } from './tracker-status.ts'

const isMethod = (text: string, kind: RequestKind): text is TrackerMethod =>
  Object.hasOwn(trackerMethods, text) && trackerMethods[text as TrackerMethod].kind === kind

const anything = (value: unknown) => z.record(z.string(), z.unknown()).catch({}).parse(value)

/** A name that a person typed gets its own refusal; anything else malformed is a fault of the client program. */
function refuseParams(params: unknown): Refusal {
  const { group, user, ...more } = anything(params)
  const name = more.name ?? anything(more.manifest).name
  for (const [what, text] of [['group', group] as const, ['user', user] as const])
    if (typeof text === 'string' && !isId(text)) return parseId(what, text) as Refusal
  if (typeof name === 'string' && !isFileName(name)) {
    const parsed = parseFileName(name)
    if (!parsed.ok) return parsed
  }
  return refuse('usage', 'this request is malformed; your shoal and the tracker may be of different versions')
}

const tooLong = (bytes: number, most: number): Refusal =>
  refuse(
    'too-many',
    `the answer is ${formatBytes(bytes)}, and the brokers accept ${formatBytes(most)}; ask the cluster operator to raise max_payload`,
  )

interface Services {
  readonly catchUp: CatchUp
  readonly commit: Commit
  readonly queries: Queries
}

/** Undefined if this tracker is behind what the client has seen, or the client no longer waits. */
async function answer(
  parts: TrackerParts,
  { catchUp, commit, queries }: Services,
  by: DeviceRef,
  method: TrackerMethod,
  request: z.infer<typeof trackerRequestSchema>,
  hasInterest: HasInterest,
): Promise<Outcome<unknown> | undefined> {
  const { kind, params: schema } = trackerMethods[method]
  const params = schema.safeParse(request.params)
  if (!params.success) return refuseParams(request.params)
  const epoch = epochOf(parts.projection.origin.streamCreated)
  // The asker has seen a later log, which this tracker is about to notice.
  if (request.epoch !== undefined && request.epoch > epoch) return undefined
  // An entry of an earlier log is in this one or lost: waiting for it is pointless.
  const mayBeOfThisLog = request.epoch === undefined || request.epoch === epoch
  if (mayBeOfThisLog && !(await catchUp.toSeen(request.seen, request.epoch === epoch))) return undefined
  // Kicking a device that logged out may fail. Only the log's end tells that a device is not logged in, or its account
  // disabled.
  const mayAsk = () => method === 'device.logout' || parts.projection.credentialHash(by) !== undefined
  if (!mayAsk() && !(await catchUp.toEnd())) return undefined
  if (!mayAsk() && parts.projection.loginOf(by)) return disabled(by.user)
  if (!mayAsk()) return refuse('not-logged-in', 'this device is logged out; use shoal login')
  if (kind === 'read') {
    const lookUp = queries[method as ReadMethod] as (params: unknown, by: DeviceRef) => Outcome<unknown>
    return lookUp(params.data, by)
  }
  const write = { id: request.id, by, method: method as WriteMethod, params: params.data as TrackerParams<WriteMethod> }
  const committed = await commit(proposalOf(parts.projection, write, hasInterest))
  return committed?.ok ? { ok: true, value: {} } : committed
}

export const requestHandlerActor: TrackerActor =
  parts =>
  ({ sendBack }) => {
    const { connections, projection, log, load } = parts
    const { reads, writes, guests } = connections
    const catchUp = createCatchUp(parts)
    const commit = createCommit(parts, createQuorum(connections.sys, parts.brokers), catchUp)
    const services: Services = { catchUp, commit, queries: createQueries(parts) }
    const accounts = createAccountRequests(parts, commit, catchUp)
    const operator = createOperatorRequests(parts, commit, catchUp)
    const once = answerOnce()

    const startedAt = performance.now()
    let requests = 0
    const failed = (error: Error) => sendBack({ type: 'part.failed', part: 'requestHandler', error })

    const reply = (message: Taken, outcome: Outcome<unknown>) => {
      const seq = projection.applied
      const epoch = epochOf(projection.origin.streamCreated)
      const body: TrackerReply = outcome.ok
        ? { ok: true, seq, epoch, result: outcome.value }
        : { ...outcome, seq, epoch }
      const text = JSON.stringify(body)
      const bytes = Buffer.byteLength(text)
      const most = connections.log.info?.max_payload ?? bytes
      message.answer(bytes > most ? JSON.stringify({ ...tooLong(bytes, most), seq, epoch }) : text)
    }
    /** What serves one kind of request, each with counts and a queue of its own. */
    const serve = (
      { room, sourceOf, inboxOf }: Omit<Intake, 'take'>,
      work: (message: Taken) => Promise<Outcome<unknown> | undefined>,
    ) => {
      const take = (message: Taken) => {
        requests += 1
        work(message)
          .then(outcome => outcome && reply(message, outcome))
          // One bad request must not stop the others; the log follower notices a broken projection.
          .catch(cause => log.error({ err: cause, subject: message.subject }, 'a request could not be answered'))
      }
      return { queue: trackerQueue, callback: createIntake(load, { room, sourceOf, inboxOf, take }, failed) }
    }

    const api = (kind: RequestKind, connection: NatsConnection) => async (message: Taken) => {
      const address = addressOf(message.subject)
      if (!address) return undefined
      const { user, device, rest: method } = address
      const request = readJson(message.data, trackerRequestSchema)
      if (!request || !isMethod(method, kind))
        return refuse(
          'usage',
          'the tracker does not know this request; your shoal and the tracker may be of different versions',
        )
      const by = { user, device }
      return once([user, device, method, request.id].join(), () =>
        answer(parts, services, by, method, request, createHasInterest(connection, message)),
      )
    }

    const ofDevice = { sourceOf: sourceOfDevice, inboxOf: inboxOfUser }
    const ofPassword = { room: 'log-ins', sourceOf: sourceOfPassword, inboxOf: inboxOfUser } as const
    const ofOperator = {
      room: 'writes',
      sourceOf: sourceOfOperator,
      inboxOf: () => inboxPrefix(operatorAsking.user),
    } as const
    const ofGuest = { room: 'sign-ups', sourceOf: sourceOfGuest, inboxOf: () => guestInboxes } as const
    const subscriptions = [
      reads.subscribe(anyApi('read'), serve({ room: 'reads', ...ofDevice }, api('read', reads))),
      writes.subscribe(anyApi('write'), serve({ room: 'writes', ...ofDevice }, api('write', writes))),
      writes.subscribe(anyPasswordVersion, serve(ofPassword, accounts.passwordVersion)),
      writes.subscribe(anyAccountRequest, serve(ofPassword, accounts.decide)),
      writes.subscribe(anyOperator, serve(ofOperator, operator)),
      guests.subscribe(anySignUp, serve(ofGuest, accounts.signUp)),
      answerStatus(parts, startedAt, failed),
      answerStats(parts, () => requests, failed),
    ]
    return () => {
      for (const subscription of subscriptions) subscription.unsubscribe()
    }
  }
