// Asking the agent on one's own device, over the brokers as any other actor. An answer may be a stream: progress while
// the agent works, then one end. An agent that falls silent is `unreachable`; this never waits on a dead one.

import { createInbox, type Msg, type NatsConnection } from 'nats'
import { agentApi } from '../../config/tunables.ts'
import type { Actor } from '../domain/decider.ts'
import { done, type Outcome, refuse } from '../domain/refusal.ts'
import {
  type AgentMethod,
  type AgentParams,
  type AgentProgress,
  type AgentReply,
  type AgentResult,
  agentMethods,
  agentReplySchema,
  listeningMethod,
} from '../wire/agent-api.ts'
import { agentSubject, inboxPrefix } from '../wire/subjects.ts'

export interface AskOptions<M extends AgentMethod> {
  onProgress?(item: AgentProgress<M>): void
  /** Gives the request up: the promise rejects with the signal's reason, and the agent is told. */
  readonly signal?: AbortSignal | undefined
  /** While no agent is there at all (it may be starting), ask again for this long. */
  readonly patienceMs?: number
}

export interface AgentClient {
  /** Refuses with `unreachable` when no agent runs there, or it stops answering. */
  ask<M extends AgentMethod>(
    method: M,
    params: AgentParams<M>,
    options?: AskOptions<M>,
  ): Promise<Outcome<AgentResult<M>>>
}

const notRunning = () =>
  refuse(
    'unreachable',
    'no agent is running and logged in on this device; run shoal agent start, then shoal login USER',
  )

/** `of` is the device whose agent is asked; the broker lets nobody but its user do so. */
export function createAgentClient(transport: Pick<NatsConnection, 'publish' | 'subscribe'>, of: Actor): AgentClient {
  return {
    ask(method, params, { onProgress, signal, patienceMs = 0 } = {}) {
      type Result = AgentResult<typeof method>
      const { promise, resolve, reject } = Promise.withResolvers<Outcome<Result>>()
      const inbox = createInbox(inboxPrefix(of.user))
      const payload = JSON.stringify(params)
      let patientUntil = Date.now() + patienceMs
      let silence: NodeJS.Timeout
      const sayListening = (listening: boolean) =>
        transport.publish(agentSubject(of, listeningMethod), JSON.stringify({ listening }), { reply: inbox })
      const stillListening = setInterval(() => guarded(() => sayListening(true)), agentApi.listeningEveryMs)

      const close = () => {
        clearTimeout(silence)
        clearInterval(stillListening)
        signal?.removeEventListener('abort', giveUp)
        subscription.unsubscribe()
      }
      const finish = (outcome: Outcome<Result>) => {
        close()
        resolve(outcome)
      }
      const giveUp = () => {
        guarded(() => sayListening(false))
        close()
        reject(signal?.reason)
      }
      const guarded = (publish: () => void) => {
        try {
          publish()
        } catch (error) {
          finish(refuse('unreachable', `the connection to the brokers is closed: ${(error as Error).message}`))
        }
      }
      const publish = () => {
        silence = setTimeout(
          () => finish(refuse('unreachable', 'the agent does not answer any more; see shoal agent status')),
          agentApi.silentAfterMs,
        )
        guarded(() => transport.publish(agentSubject(of, method), payload, { reply: inbox }))
      }
      const unknownForm = () =>
        refuse('unreachable', `the agent answered ${method} in a form this version does not know; restart it`)

      const subscription = transport.subscribe(inbox, {
        callback: (error, message) => {
          if (error) return finish(refuse('unreachable', `the brokers refused this request: ${error.message}`))
          if (message.headers?.code === 503) {
            clearTimeout(silence)
            if (Date.now() >= patientUntil) return finish(notRunning())
            silence = setTimeout(publish, 100)
            return
          }
          const reply = parseReply(message)
          if (!reply) return
          silence.refresh()
          patientUntil = 0
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

function parseReply(message: Msg): AgentReply | undefined {
  try {
    return agentReplySchema.safeParse(message.json()).data
  } catch {
    return undefined
  }
}
