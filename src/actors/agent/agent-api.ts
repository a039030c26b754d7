// The agent's side of wire/agent-api.ts: hears its person's requests, checks them, and answers each as a stream that
// ends exactly once. The broker lets nobody but the agent's own person ask. What runs for an asker alone is aborted when
// the asker is gone, or the session ends.

import type { Msg, NatsConnection } from 'nats'
import type { Logger } from 'pino'
import { fromCallback } from 'xstate'
import type { z } from 'zod'
import { agentApi } from '../../../config/tunables.ts'
import type { Actor } from '../../domain/decider.ts'
import { type Outcome, refuse } from '../../domain/refusal.ts'
import {
  type AgentMethod,
  type AgentProgress,
  type AgentReply,
  type AgentResult,
  agentMethods,
  listeningMethod,
  listeningSchema,
} from '../../wire/agent-api.ts'
import { addressOf, agentSubject } from '../../wire/subjects.ts'

/** Who asked, as far as an answer needs to know. */
export interface Asker<M extends AgentMethod> {
  progress(item: AgentProgress<M>): void
  /** Aborted when nobody listens any more. */
  readonly signal: AbortSignal
}

export type AgentHandlers = {
  readonly [M in AgentMethod]: (
    params: z.output<(typeof agentMethods)[M]['params']>,
    asker: Asker<M>,
  ) => Promise<Outcome<AgentResult<M>>>
}

type AnyHandler = (params: unknown, asker: Asker<AgentMethod>) => Promise<Outcome<unknown>>

const isMethod = (name: string): name is AgentMethod => Object.hasOwn(agentMethods, name)

export const createAgentApi = (connection: NatsConnection, of: Actor, handlers: AgentHandlers, log: Logger) =>
  fromCallback(() => {
    /** By reply subject. */
    const askers = new Map<string, { readonly abort: AbortController; heardAt: number }>()

    const answer = async (method: AgentMethod, request: unknown, reply: string) => {
      const send = (message: AgentReply) => {
        if (!connection.isClosed()) connection.publish(reply, JSON.stringify(message))
      }
      const params = agentMethods[method].params.safeParse(request)
      if (!params.success)
        return send({ kind: 'end', ...refuse('usage', `the agent does not understand this request for ${method}`) })
      const abort = new AbortController()
      const asker = { abort, heardAt: Date.now() }
      askers.set(reply, asker)
      const working = setInterval(() => {
        if (Date.now() - asker.heardAt > agentApi.askerGoneAfterMs) abort.abort()
        else send({ kind: 'working' })
      }, agentApi.workingEveryMs)
      const progress = (item: unknown) => {
        if (!abort.signal.aborted) send({ kind: 'progress', item })
      }
      try {
        const outcome = await (handlers[method] as AnyHandler)(params.data, { progress, signal: abort.signal })
        send(outcome.ok ? { kind: 'end', ok: true, result: outcome.value } : { ...outcome, kind: 'end' })
      } catch (error) {
        if (abort.signal.aborted) return
        log.error({ method, err: error }, 'a request failed')
        const why = (error as Error).message.replaceAll(/\p{Cc}/gu, ' ').slice(0, 300)
        send({ kind: 'end', ...refuse('unreachable', `the agent failed: ${why}; see its log`) })
      } finally {
        clearInterval(working)
        askers.delete(reply)
      }
    }

    const hear = (message: Msg) => {
      const method = addressOf(message.subject)?.rest ?? ''
      if (!message.reply) return
      const body = parseJson(message)
      if (method === listeningMethod) {
        const said = listeningSchema.safeParse(body)
        const asker = askers.get(message.reply)
        if (!said.success || !asker) return
        if (said.data.listening) asker.heardAt = Date.now()
        else asker.abort.abort()
        return
      }
      if (isMethod(method)) answer(method, body, message.reply)
      else connection.publish(message.reply, JSON.stringify({ kind: 'end', ...refuse('usage', 'unknown request') }))
    }

    const subscription = connection.subscribe(agentSubject(of, '>'), {
      callback: (error, message) => {
        if (error) log.error({ err: error }, 'the brokers do not let the agent hear its person')
        else hear(message)
      },
    })
    return () => {
      subscription.unsubscribe()
      for (const { abort } of askers.values()) abort.abort()
    }
  })

function parseJson(message: Msg): unknown {
  try {
    return message.json()
  } catch {
    return undefined
  }
}
