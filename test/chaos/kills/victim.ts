// The device whose agent is killed: starts its agent in a process, ends that with SIGKILL, and knows the last state of each
// of its machines from the steps that the agent publishes.

import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { type AgentClient, createAgentClient } from '../../../src/actors/client/agent-client.ts'
import { startAgent } from '../../../src/actors/device/agent-process.ts'
import type { Home } from '../../../src/actors/device/home.ts'
import { isAlive } from '../../../src/actors/device/process-alive.ts'
import { runId } from '../../../src/machines/download-queue.ts'
import type { AgentMethod, AgentParams, AgentResult } from '../../../src/wire/agent-api.ts'
import type { InspectedActor } from '../../../src/wire/inspected-actor.ts'
import { readInspection } from '../../../src/wire/inspection.ts'
import { inspectSubject, watchSubject } from '../../../src/wire/subjects.ts'
import { granted } from '../../helpers/granted.ts'
import type { Person } from '../../helpers/person.ts'

const answersWithinMs = 60_000
const lookEveryMs = 2
const announceEveryMs = 100

export interface Victim {
  readonly person: Person
  readonly home: Home
  readonly agent: AgentClient
  ask<M extends AgentMethod>(method: M, params: AgentParams<M>): Promise<AgentResult<M>>
  /** Returns once the agent's process holds the library; throws when it does not start. `env`: for it alone. */
  start(env?: Readonly<Record<string, string>>): Promise<void>
  /** The pid of the last started process. */
  readonly pid: number
  /** Returns once the agent answers. */
  answers(): Promise<AgentResult<'ready'>>
  kill(): Promise<void>
  /** Resolves when the agent's process is gone; throws if it is not in time. */
  gone(withinMs: number): Promise<void>
  readonly isRunning: boolean
  /** The last state of a download's run since the agent started, as JSON; empty if none was heard. */
  stateOf(download: number): string
  /** Resolves at the first step of that run that satisfies; to false when time is up. */
  reaches(download: number, satisfies: (state: string) => boolean, withinMs: number): Promise<boolean>
}

export function createVictim(home: Home, person: Person, servers: readonly string[]): Victim {
  const agent = createAgentClient(home)
  let pid = 0
  const states = new Map<string, string>()
  const listeners = new Set<(actor: InspectedActor) => void>()
  person.connection.subscribe(`${inspectSubject(person, '')}>`, {
    callback: (_, message) => {
      const heard = readInspection(message.data)
      const seen = heard?.kind === 'picture' ? heard.actors : heard?.kind === 'step' ? [heard.actor] : []
      for (const actor of seen) {
        states.set(actor.name, JSON.stringify(actor.state))
        for (const listener of listeners) listener(actor)
      }
    },
  })
  // An unwatched agent publishes nothing; one that has just started learns of this watcher at once.
  const watching = JSON.stringify({ watchers: [randomBytes(16).toString('hex')] })
  const announcing = setInterval(() => {
    if (!person.connection.isClosed()) person.connection.publish(watchSubject(person), watching)
  }, announceEveryMs)
  person.connection.closed().then(() => clearInterval(announcing))

  const victim: Victim = {
    person,
    home,
    agent,
    async ask(method, params) {
      return granted(await agent.ask(method, params)) as AgentResult<typeof method>
    },
    async start(env = {}) {
      states.clear()
      Object.assign(process.env, env)
      try {
        pid = granted(await startAgent(home, { servers, listen: '127.0.0.1:0' }))
      } finally {
        for (const name of Object.keys(env)) delete process.env[name]
      }
    },
    get pid() {
      return pid
    },
    answers: async () => granted(await agent.ask('ready', { withinMs: answersWithinMs, retry: true })),
    async kill() {
      try {
        process.kill(pid, 'SIGKILL')
      } catch (error) {
        // The agent was quicker.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
      }
      await victim.gone(answersWithinMs)
    },
    async gone(withinMs) {
      const until = performance.now() + withinMs
      while (isAlive(pid)) {
        if (performance.now() > until) throw new Error(`the agent still lives after ${withinMs} ms`)
        await delay(lookEveryMs)
      }
    },
    get isRunning() {
      return pid !== 0 && isAlive(pid)
    },
    stateOf: id => states.get(runId(id)) ?? '',
    async reaches(id, satisfies, withinMs) {
      if (satisfies(victim.stateOf(id))) return true
      const { promise, resolve } = Promise.withResolvers<boolean>()
      const listener = (actor: InspectedActor) => {
        if (actor.name === runId(id) && satisfies(JSON.stringify(actor.state))) resolve(true)
      }
      listeners.add(listener)
      const timer = setTimeout(() => resolve(false), withinMs)
      try {
        return await promise
      } finally {
        clearTimeout(timer)
        listeners.delete(listener)
      }
    },
  }
  return victim
}
