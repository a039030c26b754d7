// Asks the agent of a device, over the brokers. An answer may be a stream: progress while the agent works, then one end.
// The request is repeated under the same reply subject, which is its id: so the agent knows that somebody still listens,
// and a message lost by a dying broker is sent again. A silent agent is `unreachable`; this never waits for a dead one.

import { createInbox, type NatsConnection } from 'nats'
import { agentApiTunables } from '../../../config/client.ts'
import type { DeviceRef } from '../../domain/device-ref.ts'
import { done, type Outcome, refuse } from '../../domain/refusal.ts'
import {
  type AgentMethod,
  type AgentParams,
  type AgentProgress,
  type AgentResult,
  agentMethods,
  agentReplySchema,
  givenUpMethod,
} from '../../wire/agent-api.ts'
import { readJson } from '../../wire/json.ts'
import { agentSubject, inboxPrefix } from '../../wire/subjects.ts'
import { isNoResponders } from './no-responders.ts'

export interface AskOptions<M extends AgentMethod> {
  onProgress?(item: AgentProgress<M>): void
  /** Gives the request up: the promise rejects with the signal's reason, and the agent is told. */
  readonly signal?: AbortSignal | undefined
  /** Called when no agent is there: for how many milliseconds to go on asking, since one may be starting. Default: 0. */
  patience?(): Promise<number>
}

export interface AgentClient {
  /** Refuses with `unreachable` when no agent runs there, or it stops answering. */
  ask<M extends AgentMethod>(
    method: M,
    params: AgentParams<M>,
    options?: AskOptions<M>,
  ): Promise<Outcome<AgentResult<M>>>
}

const notRunning = refuse('unreachable', 'no agent runs on this device; start it with shoal agent start')
const notReady = refuse(
  'unreachable',
  'no agent is running and logged in on this device; run shoal agent start, then shoal login USER',
)

/** `of`: the device whose agent is asked; the broker lets only its user do so. */
export function createAgentClient(
  transport: Pick<NatsConnection, 'publish' | 'subscribe'>,
  of: DeviceRef,
): AgentClient {
  return {
    ask(method, params, { onProgress, signal, patience = noPatience } = {}) {
      type Result = AgentResult<typeof method>
      const { promise, resolve, reject } = Promise.withResolvers<Outcome<Result>>()
      const inbox = createInbox(inboxPrefix(of.user))
      const payload = JSON.stringify(params)
      const askedAt = Date.now()
      let heardAt: number | undefined
      /** Since when not even "no responders" came back. */
      let silentSince = askedAt
      let asking: Promise<number> | undefined
      let again: NodeJS.Timeout
      let isClosed = false

      const close = () => {
        isClosed = true
        clearTimeout(again)
        signal?.removeEventListener('abort', giveUp)
        subscription.unsubscribe()
      }
      const finish = (outcome: Outcome<Result>) => {
        close()
        resolve(outcome)
      }
      const fail = (error: unknown) => {
        close()
        reject(error)
      }
      const say = (method: string, body: string) => {
        try {
          transport.publish(agentSubject(of, method), body, { reply: inbox })
        } catch (error) {
          finish(refuse('unreachable', `the connection to the brokers is closed: ${(error as Error).message}`))
        }
      }
      const giveUp = () => {
        say(givenUpMethod, '')
        fail(signal?.reason)
      }
      const publish = () => {
        if (Date.now() - silentSince > agentApiTunables.silentAfterMs)
          return finish(refuse('unreachable', 'the agent does not answer; see shoal agent status'))
        again = setTimeout(publish, agentApiTunables.listeningEveryMs)
        say(method, payload)
      }
      /** An agent that answered before may be changing brokers; one that never did gets the caller's patience. */
      const onNoResponders = async () => {
        clearTimeout(again)
        let patienceMs: number = agentApiTunables.silentAfterMs
        if (heardAt === undefined) {
          asking ??= patience()
          patienceMs = await asking
        }
        if (isClosed) return
        // Another "no responders" may have come meanwhile.
        clearTimeout(again)
        if (patienceMs === 0) return finish(notRunning)
        if (Date.now() >= (heardAt ?? askedAt) + patienceMs) return finish(notReady)
        if (heardAt === undefined) silentSince = Date.now()
        again = setTimeout(publish, agentApiTunables.noRespondersRetryMs)
      }
      const unknownForm = () =>
        refuse(
          'unreachable',
          `the agent answered ${method} in a form that this version does not know; restart the agent`,
        )

      const subscription = transport.subscribe(inbox, {
        callback: (error, message) => {
          if (error) return finish(refuse('unreachable', `the brokers refused this request: ${error.message}`))
          if (isNoResponders(message)) return void onNoResponders().catch(fail)
          const reply = readJson(message.data, agentReplySchema)
          if (!reply) return
          heardAt = Date.now()
          silentSince = heardAt
          if (reply.kind === 'working') return
          if (reply.kind === 'progress') {
            const item = agentMethods[method].progress.safeParse(reply.item)
            if (item.success) onProgress?.(item.data as AgentProgress<typeof method>)
            return
          }
          if (!reply.ok) return finish(refuse(reply.code, reply.message))
          const result = agentMethods[method].result.safeParse(reply.result)
          finish(result.success ? done(result.data as Result) : unknownForm())
        },
      })
      signal?.addEventListener('abort', giveUp)
      if (signal?.aborted) giveUp()
      else publish()
      return promise
    },
  }
}

const noPatience = async () => 0
