// Asking as whoever is logged in on this device: the trackers, or this device's agent.

import { commandLineTunables } from '../../config/client.ts'
import type { AskOptions } from '../actors/client/agent-client.ts'
import { askAll } from '../actors/client/ask-all.ts'
import type { Outcome } from '../domain/refusal.ts'
import type { AgentMethod, AgentParams, AgentResult } from '../wire/agent-api.ts'
import type { PagedMethod, Row, TrackerMethod, TrackerParams, TrackerResult } from '../wire/tracker-api.ts'
import type { Context } from './context.ts'

export async function askTrackers<M extends TrackerMethod>(
  context: Context,
  method: M,
  params: TrackerParams<M>,
): Promise<Outcome<TrackerResult<M>>> {
  const link = await context.connect()
  return link.ok ? link.value.trackers.ask(method, params) : link
}

/** All of a list. */
export async function listAll<M extends PagedMethod>(
  context: Context,
  method: M,
  params: TrackerParams<M>,
): Promise<Outcome<Row<M>[]>> {
  const link = await context.connect()
  return link.ok ? askAll(link.value.trackers, method, params) : link
}

/** An agent that runs may still be on its way to its session: it is waited for. Refuses at once when none runs. */
export async function askAgent<M extends AgentMethod>(
  context: Context,
  method: M,
  params: AgentParams<M>,
  onProgress?: AskOptions<M>['onProgress'],
): Promise<Outcome<AgentResult<M>>> {
  const link = await context.connect()
  if (!link.ok) return link
  return link.value.agent.ask(method, params, {
    patience: ifItRuns(context, commandLineTunables.agentReadyMs),
    signal: context.signal,
    ...(onProgress ? { onProgress } : {}),
  })
}

/** Returns when the agent is at work, and tells the person what is amiss with it. */
export async function greetAgent(context: Context): Promise<Outcome<AgentResult<'status'>>> {
  const status = await askAgent(context, 'status', {})
  if (!status.ok) return status
  const { listenFailure, troubles } = status.value
  if (listenFailure !== undefined) context.display.note(`your agent serves nobody: ${listenFailure}`)
  for (const trouble of troubles) context.display.note(trouble)
  return status
}

export async function isAgentRunning({ home }: Pick<Context, 'home'>): Promise<boolean> {
  const { agentIsRunning } = await import('../actors/device/agent-process.ts')
  return agentIsRunning(home)
}

/** How long to wait for it: `ms`, or not at all when there is nothing to wait for. */
export const ifItRuns = (device: Pick<Context, 'home'>, ms: number) => async () =>
  (await isAgentRunning(device)) ? ms : 0
