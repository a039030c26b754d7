// Requests of the user who is logged in on this device: to the trackers, or to this device's agent.

import { commandLineTunables } from '../../config/client.ts'
import type { AskOptions } from '../actors/client/agent-client.ts'
import { askAll } from '../actors/client/ask-all.ts'
import type { Outcome } from '../domain/refusal.ts'
import type { AgentMethod, AgentParams, AgentResult } from '../wire/agent-api.ts'
import type { PagedMethod, Row, TrackerMethod, TrackerParams, TrackerResult } from '../wire/tracker-api.ts'
import { patienceWithAgent } from './agent-running.ts'
import type { Context } from './context.ts'

export async function askTrackers<M extends TrackerMethod>(
  context: Context,
  method: M,
  params: TrackerParams<M>,
): Promise<Outcome<TrackerResult<M>>> {
  const connected = await context.connect()
  return connected.ok ? connected.value.trackers.ask(method, params) : connected
}

/** Every page of a list. */
export async function listAll<M extends PagedMethod>(
  context: Context,
  method: M,
  params: TrackerParams<M>,
): Promise<Outcome<Row<M>[]>> {
  const connected = await context.connect()
  return connected.ok ? askAll(connected.value.trackers, method, params) : connected
}

/** Waits for an agent that runs and has no session yet. Refuses at once when none runs. */
export async function askAgent<M extends AgentMethod>(
  context: Context,
  method: M,
  params: AgentParams<M>,
  onProgress?: AskOptions<M>['onProgress'],
): Promise<Outcome<AgentResult<M>>> {
  const connected = await context.connect()
  if (!connected.ok) return connected
  return connected.value.agent.ask(method, params, {
    patience: patienceWithAgent(context.home, commandLineTunables.agentReadyMs),
    signal: context.signal,
    ...(onProgress ? { onProgress } : {}),
  })
}

/** Resolves once the agent answers in the session of this device, and tells the person what is wrong with it. */
export async function waitForAgent(context: Context): Promise<Outcome<AgentResult<'status'>>> {
  const status = await askAgent(context, 'status', {})
  if (!status.ok) return status
  const { listenFailure, troubles } = status.value
  if (listenFailure !== undefined) context.display.note(`your agent serves no peer: ${listenFailure}`)
  for (const trouble of troubles) context.display.note(trouble)
  return status
}
