// The agent's side of wire/agent-api.ts: receives its user's requests, checks them, and answers each with a stream that ends
// exactly once. A repeated request, with the same reply subject, is not started again: its end is sent again, or it goes on.
// The broker lets only the agent's own user send requests. Work for a client is aborted when the client is gone or the
// session ends.

import type { Msg, NatsConnection } from 'nats'
import type { Logger } from 'pino'
import { fromCallback } from 'xstate'
import type * as z from 'zod'
import { agentApiTunables } from '../../../config/client.ts'
import type { DeviceRef } from '../../domain/device-ref.ts'
import { type Outcome, refuse } from '../../domain/refusal.ts'
import { LibraryFailed } from '../../storage/library-file.ts'
import {
  type AgentMethod,
  type AgentProgress,
  type AgentReply,
  type AgentResult,
  agentMethods,
  givenUpMethod,
} from '../../wire/agent-api.ts'
import { parseJson } from '../../wire/json.ts'
import { addressOf, agentSubject } from '../../wire/subjects.ts'

/** The client that sent a request, as its handler sees it. */
interface Asker<M extends AgentMethod> {
  progress(item: AgentProgress<M>): void
  /** Aborted when the client is gone. */
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

export const createAgentApi = (connection: NatsConnection, of: DeviceRef, handlers: AgentHandlers, log: Logger) =>
  fromCallback(() => {
    /** By reply subject: requests in progress, and ended ones whose end may have been lost. */
    const askers = new Map<string, { readonly abort: AbortController; heardAt: number; end?: AgentReply }>()
    const isGone = ({ heardAt }: { heardAt: number }) => Date.now() - heardAt > agentApiTunables.askerGoneAfterMs
    const forgetting = setInterval(() => {
      for (const [reply, asker] of askers) if (asker.end && isGone(asker)) askers.delete(reply)
    }, agentApiTunables.askerGoneAfterMs)

    const send = (reply: string, message: AgentReply) => {
      if (!connection.isClosed()) connection.publish(reply, JSON.stringify(message))
    }

    const answer = async (method: AgentMethod, request: unknown, reply: string) => {
      const abort = new AbortController()
      const asker: { readonly abort: AbortController; heardAt: number; end?: AgentReply } = {
        abort,
        heardAt: Date.now(),
      }
      askers.set(reply, asker)
      const end = (outcome: Outcome<unknown>) => {
        asker.end = outcome.ok ? { kind: 'end', ok: true, result: outcome.value } : { ...outcome, kind: 'end' }
        send(reply, asker.end)
      }
      const params = agentMethods[method].params.safeParse(request)
      if (!params.success) return end(refuse('usage', `the agent does not understand this request for ${method}`))
      const working = setInterval(() => {
        if (isGone(asker)) abort.abort()
        else send(reply, { kind: 'working' })
      }, agentApiTunables.workingEveryMs)
      abort.signal.addEventListener('abort', () => clearInterval(working))
      const progress = (item: unknown) => {
        if (!abort.signal.aborted) send(reply, { kind: 'progress', item })
      }
      try {
        end(await (handlers[method] as AnyHandler)(params.data, { progress, signal: abort.signal }))
      } catch (error) {
        if (abort.signal.aborted) return askers.delete(reply)
        log.error({ method, err: error }, 'a request failed')
        if (error instanceof LibraryFailed) return end(refuse(error.code, error.message))
        const why = (error as Error).message.replaceAll(/\p{Cc}/gu, ' ').slice(0, 300)
        end(refuse('unreachable', `the agent failed: ${why}; see its log`))
      } finally {
        clearInterval(working)
      }
    }

    const receive = (message: Msg) => {
      const method = addressOf(message.subject)?.rest ?? ''
      const { reply } = message
      if (!reply) return
      const asker = askers.get(reply)
      if (method === givenUpMethod) return asker?.abort.abort()
      if (asker) {
        asker.heardAt = Date.now()
        if (asker.end) send(reply, asker.end)
      } else if (isMethod(method)) answer(method, parseJson(message.data), reply)
      else
        send(reply, {
          kind: 'end',
          ...refuse(
            'usage',
            'the agent does not know this request; restart it with shoal agent stop and shoal agent start',
          ),
        })
    }

    const subscription = connection.subscribe(agentSubject(of, '>'), {
      callback: (error, message) => {
        if (error) log.error({ err: error }, 'the brokers do not let the agent receive requests')
        else receive(message)
      },
    })
    return () => {
      subscription.unsubscribe()
      clearInterval(forgetting)
      for (const { abort } of askers.values()) abort.abort()
    }
  })
