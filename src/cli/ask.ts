// Requests of this device: to the trackers, over the brokers, or to its agent, through the socket in its home. Connecting and
// asking trackers share one deadline, and a person at a terminal is told what a slow request waits for.

import { commandLineTunables } from '../../config/client.ts'
import type { AskOptions } from '../actors/client/agent-client.ts'
import { askAll } from '../actors/client/ask-all.ts'
import { type Outcome, refuse } from '../domain/refusal.ts'
import type { AgentMethod, AgentParams, AgentResult } from '../wire/agent-api.ts'
import type { PagedMethod, Row, TrackerMethod, TrackerParams, TrackerResult } from '../wire/tracker-api.ts'
import type { Context } from './context.ts'

const connect = (context: Context) => context.display.whileWaiting('the brokers', context.connect())

export async function askTrackers<M extends TrackerMethod>(
  context: Context,
  method: M,
  params: TrackerParams<M>,
): Promise<Outcome<TrackerResult<M>>> {
  const askedAt = Date.now()
  const connected = await connect(context)
  if (!connected.ok) return connected
  return context.display.whileWaiting('the trackers', connected.value.trackers.ask(method, params, askedAt))
}

/** Every page of a list. */
export async function listAll<M extends PagedMethod>(
  context: Context,
  method: M,
  params: TrackerParams<M>,
): Promise<Outcome<Row<M>[]>> {
  const askedAt = Date.now()
  const connected = await connect(context)
  if (!connected.ok) return connected
  return context.display.whileWaiting('the trackers', askAll(connected.value.trackers, method, params, askedAt))
}

/** What an agent answers whether or not this device is logged in. */
const withoutLogin: ReadonlySet<AgentMethod> = new Set(['status', 'limits', 'limits.change', 'logout'])

/** No broker takes part. Refuses at once when no agent runs. */
export async function askAgent<M extends AgentMethod>(
  context: Context,
  method: M,
  params: AgentParams<M>,
  onProgress?: AskOptions<M>['onProgress'],
): Promise<Outcome<AgentResult<M>>> {
  if (!withoutLogin.has(method) && !context.home.session())
    return refuse('not-logged-in', 'you are not logged in on this device; run shoal login USER')
  const { createAgentClient } = await import('../actors/client/agent-client.ts')
  const options = { signal: context.signal, ...(onProgress ? { onProgress } : {}) }
  return createAgentClient(context.home).ask(method, params, options)
}

/**
 * Resolves once the agent serves in the session of this device, and tells the person what is wrong with it. Refuses when it
 * cannot connect: without `retry` after a first attempt that failed.
 */
export async function waitForAgent(
  context: Context,
  { retry }: { readonly retry: boolean },
): Promise<Outcome<AgentResult<'ready'>>> {
  const status = await context.display.whileWaiting(
    'the agent',
    askAgent(context, 'ready', { withinMs: commandLineTunables.agentReadyMs, retry }),
  )
  if (!status.ok) return status
  const { listenFailure, troubles } = status.value
  if (listenFailure !== undefined) context.display.note(`your agent serves no peer: ${listenFailure}`)
  for (const trouble of troubles) context.display.note(trouble)
  return status
}
