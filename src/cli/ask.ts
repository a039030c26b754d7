// Requests of the user who is logged in on this device: to the trackers, or to this device's agent. Connecting and asking
// share one deadline, and a person at a terminal is told what a slow one waits for.

import { commandLineTunables } from '../../config/client.ts'
import type { AskOptions } from '../actors/client/agent-client.ts'
import { askAll } from '../actors/client/ask-all.ts'
import type { Outcome } from '../domain/refusal.ts'
import type { AgentMethod, AgentParams, AgentResult } from '../wire/agent-api.ts'
import type { PagedMethod, Row, TrackerMethod, TrackerParams, TrackerResult } from '../wire/tracker-api.ts'
import { patienceWithAgent } from './agent-running.ts'
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

/** Waits for an agent that runs and has no session yet. Refuses at once when none runs. */
export async function askAgent<M extends AgentMethod>(
  context: Context,
  method: M,
  params: AgentParams<M>,
  onProgress?: AskOptions<M>['onProgress'],
): Promise<Outcome<AgentResult<M>>> {
  const connected = await connect(context)
  if (!connected.ok) return connected
  return connected.value.agent.ask(method, params, {
    patience: patienceWithAgent(context.home, commandLineTunables.agentReadyMs),
    signal: context.signal,
    ...(onProgress ? { onProgress } : {}),
  })
}

/** Resolves once the agent answers in the session of this device, and tells the person what is wrong with it. */
export async function waitForAgent(context: Context): Promise<Outcome<AgentResult<'status'>>> {
  const status = await context.display.whileWaiting('the agent', askAgent(context, 'status', {}))
  if (!status.ok) return status
  const { listenFailure, troubles } = status.value
  if (listenFailure !== undefined) context.display.note(`your agent serves no peer: ${listenFailure}`)
  for (const trouble of troubles) context.display.note(trouble)
  return status
}
