// Asks the agent of this device, through the socket in its home. No broker takes part. An answer may be a stream: progress
// while the agent works, then one end. Closing the connection gives the request up. An agent that is silent is frozen, and
// is called that; one that has just started is waited for.

import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { agentApiTunables } from '../../../config/client.ts'
import { showable } from '../../domain/names.ts'
import { done, type Outcome, type Refusal, refuse } from '../../domain/refusal.ts'
import {
  type AgentMethod,
  type AgentParams,
  type AgentProgress,
  type AgentReply,
  type AgentResult,
  agentMethods,
  agentReplySchema,
} from '../../wire/agent-api.ts'
import { readJson } from '../../wire/json.ts'
import { LineSplitter } from '../../wire/line-splitter.ts'
import { findSocket, UnsafeSocket } from '../device/agent-socket.ts'
import type { Home } from '../device/home.ts'
import { isSuspended } from '../device/process-alive.ts'

export interface AskOptions<M extends AgentMethod> {
  onProgress?(item: AgentProgress<M>): void
  /** Gives the request up: the promise rejects with the signal's reason, and the agent is told. */
  readonly signal?: AbortSignal | undefined
}

export interface AgentClient {
  /** Refuses with `unreachable` when no agent runs here, or it does not answer. */
  ask<M extends AgentMethod>(
    method: M,
    params: AgentParams<M>,
    options?: AskOptions<M>,
  ): Promise<Outcome<AgentResult<M>>>
}

type Settings = { readonly [Name in 'lookEveryMs' | 'silentLooks' | 'startsWithinMs']: number }

export const createAgentClient = (home: Home, settings: Settings = agentApiTunables): AgentClient => ({
  async ask(method, params, { onProgress, signal } = {}) {
    const reached = await reachAgent(home, settings.startsWithinMs, signal)
    if (!reached.ok) return reached
    const onItem = (item: unknown) => {
      const parsed = agentMethods[method].progress.safeParse(item)
      if (parsed.success) onProgress?.(parsed.data as AgentProgress<typeof method>)
    }
    const request = JSON.stringify({ method, params })
    const silence = new Silence(home, settings)
    const answer = await converse(reached.value, request, onItem, silence, signal)
    if (!answer.ok) return answer
    const result = agentMethods[method].result.safeParse(answer.value)
    if (result.success) return done(result.data as AgentResult<typeof method>)
    return refuse(
      'unreachable',
      `the agent answered ${method} in a form that this version does not know; run shoal agent stop, then shoal agent start`,
    )
  },
})

const notRunning = refuse('unreachable', 'no agent runs on this device; start it with shoal agent start')
const stopped = refuse('unreachable', 'the agent has stopped; start it with shoal agent start')
const processOf = (home: Home) => `the agent (process ${home.agentPid() ?? 'unknown'})`
const isFrozen = (home: Home) => isSuspended(home.agentPid() ?? process.pid)
const suspended = (home: Home): Refusal =>
  refuse('unreachable', `${processOf(home)} is frozen: it was suspended; resume it with kill -CONT ${home.agentPid()}`)
const frozen = (home: Home): Refusal =>
  refuse(
    'unreachable',
    `${processOf(home)} is frozen: it runs, but does not answer; run shoal agent stop, then shoal agent start`,
  )

/** A connection to the agent. An agent that runs and cannot be connected to is starting, or has no room for its socket. */
async function reachAgent(home: Home, withinMs: number, signal: AbortSignal | undefined): Promise<Outcome<Socket>> {
  for (const until = Date.now() + withinMs; ; ) {
    signal?.throwIfAborted()
    try {
      const path = findSocket(home)
      const socket = path === undefined ? undefined : await connectTo(path)
      if (socket) return done(socket)
    } catch (error) {
      if (error instanceof UnsafeSocket) return refuse(error.code, error.message)
      throw error
    }
    // Loads SQLite, which an agent that answers makes unnecessary.
    const { agentIsRunning } = await import('../device/agent-process.ts')
    if (!agentIsRunning(home)) return notRunning
    if (isFrozen(home)) return suspended(home)
    if (Date.now() > until)
      return refuse('unreachable', `${processOf(home)} takes no commands; see ${showable(home.agentLog)}`)
    await delay(agentApiTunables.lookForSocketMs, undefined, { signal })
  }
}

/** Undefined when nothing accepts connections there. */
function connectTo(path: string): Promise<Socket | undefined> {
  const { promise, resolve } = Promise.withResolvers<Socket | undefined>()
  const socket = connect(path)
  socket.once('error', () => resolve(undefined))
  socket.once('connect', () => resolve(socket))
  return promise
}

/** How long the agent has said nothing. Counts looks, not time: while this process stood still, it could hear nothing. */
class Silence {
  readonly lookEveryMs: number
  readonly #home: Home
  readonly #mostLooks: number
  #looks = 0

  constructor(home: Home, settings: Settings) {
    this.#home = home
    this.lookEveryMs = settings.lookEveryMs
    this.#mostLooks = settings.silentLooks
  }

  break(): void {
    this.#looks = 0
  }

  /** What the silence means by now, if anything. */
  look(): Refusal | undefined {
    this.#looks += 1
    const isLast = this.#looks > this.#mostLooks
    // At the first and the last look: where there is no /proc it starts a process.
    if ((this.#looks === 1 || isLast) && isFrozen(this.#home)) return suspended(this.#home)
    return isLast ? frozen(this.#home) : undefined
  }
}

/** Sends the request, and resolves with its end. Rejects with the signal's reason. */
function converse(
  socket: Socket,
  request: string,
  onItem: (item: unknown) => void,
  silence: Silence,
  signal: AbortSignal | undefined,
): Promise<Outcome<unknown>> {
  const { promise, resolve, reject } = Promise.withResolvers<Outcome<unknown>>()
  const giveUp = () => reject(signal?.reason)
  const looking = setInterval(() => {
    const refusal = silence.look()
    if (refusal) resolve(refusal)
  }, silence.lookEveryMs)
  /** The first rows of a list that is not here yet as a whole. */
  const rows: unknown[] = []
  const whole = (last: unknown) => (rows.length > 0 && Array.isArray(last) ? [...rows.splice(0), ...last] : last)
  const take = (reply: AgentReply | undefined) => {
    if (reply?.kind === 'rows') for (const row of reply.rows) rows.push(row)
    else if (reply?.kind === 'progress') onItem(whole(reply.item))
    else if (reply?.kind === 'end') resolve(reply.ok ? done(whole(reply.result)) : refuse(reply.code, reply.message))
  }
  // This person's own agent: its lines are as long as they are.
  const lines = new LineSplitter(Number.POSITIVE_INFINITY)
  socket.on('data', (chunk: Buffer) => {
    silence.break()
    for (const line of lines.push(chunk)) take(readJson(line, agentReplySchema))
  })
  socket.on('error', () => {})
  socket.on('close', () => resolve(stopped))
  signal?.addEventListener('abort', giveUp)
  if (signal?.aborted) giveUp()
  else socket.write(`${request}\n`)
  return promise.finally(() => {
    clearInterval(looking)
    signal?.removeEventListener('abort', giveUp)
    socket.destroy()
  })
}
