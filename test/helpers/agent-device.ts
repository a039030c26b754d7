// A person's device with a real agent on it: in this process, or in one of its own that can be killed.

import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'
import pino from 'pino'
import { runAgent } from '../../src/actors/agent/run-agent.ts'
import { type AgentClient, createAgentClient } from '../../src/actors/client/agent-client.ts'
import { agentIsRunning, startAgent, stopAgent } from '../../src/actors/device/agent-process.ts'
import { type Home, openHome } from '../../src/actors/device/home.ts'
import type { ThrottleClock } from '../../src/actors/swarm/throttle.ts'
import type { AgentMethod, AgentParams, AgentResult, DownloadView } from '../../src/wire/agent-api.ts'
import { granted } from './granted.ts'
import type { Person } from './person.ts'
import { reapOnExit } from './reap-on-exit.ts'
import { tempFolder } from './temp-folder.ts'

export interface AgentDevice {
  readonly person: Person
  readonly home: Home
  /** Files of the test's, beside the home. */
  readonly folder: string
  readonly agent: AgentClient
  /** Throws when it is refused. */
  ask<M extends AgentMethod>(method: M, params: AgentParams<M>): Promise<AgentResult<M>>
  /** Returns when the agent answers. */
  start(options?: { readonly listen?: string; readonly servers?: readonly string[] }): Promise<void>
  stop(): Promise<void>
  /** SIGKILL; only of an agent in a process of its own. */
  kill(): Promise<void>
  /** Resolves with the first view of the download that satisfies, or when it rests. */
  until(id: number, satisfies: (view: DownloadView) => boolean): Promise<DownloadView>
}

export async function agentDevice(
  t: ExecutionContext,
  ofCluster: readonly string[],
  person: Person,
  { ownProcess = false, clock }: { readonly ownProcess?: boolean; readonly clock?: ThrottleClock } = {},
): Promise<AgentDevice> {
  reapOnExit()
  const folder = tempFolder(t)
  const home = openHome(join(folder, 'home'))
  const { user, device, credential } = person
  writeFileSync(join(home.folder, 'device.json'), JSON.stringify(device))
  home.saveSession({ user, device, credential })
  home.saveSeen(person.trackers.seen)
  const agent = createAgentClient(home)
  let stopRunning = async () => {}

  const start: AgentDevice['start'] = async ({ listen = '127.0.0.1:0', servers = ofCluster } = {}) => {
    if (ownProcess) {
      granted(await startAgent(home, { servers, listen }))
      stopRunning = async () => void (await stopAgent(home))
    } else {
      const log = pino({ level: 'warn' }, pino.destination({ dest: home.agentLog, sync: true }))
      const running = await runAgent({ home, servers, listen, log, ...(clock ? { clock } : {}) })
      stopRunning = () => running.stop()
    }
    granted(await agent.ask('ready', { withinMs: 20_000, retry: true }))
  }
  t.teardown(() => stopRunning())
  await start()

  return {
    person,
    home,
    folder,
    agent,
    async ask(method, params) {
      return granted(await agent.ask(method, params)) as AgentResult<typeof method>
    },
    start,
    async stop() {
      await stopRunning()
      stopRunning = async () => {}
    },
    async kill() {
      const pid = home.agentPid()
      if (!ownProcess || pid === undefined) throw new Error('this agent cannot be killed')
      process.kill(pid, 'SIGKILL')
      while (agentIsRunning(home)) await delay(10)
      stopRunning = async () => {}
    },
    async until(id, satisfies) {
      const enough = new AbortController()
      let found: DownloadView | undefined
      const look = (view: DownloadView) => {
        if (found || !satisfies(view)) return
        found = view
        enough.abort()
      }
      const { signal } = enough
      const following = agent.ask('download.follow', { id }, { onProgress: look, signal })
      try {
        return found ?? granted(await following)
      } catch (error) {
        if (found) return found
        throw error
      }
    },
  }
}

/** A file of random bytes. */
export function randomFile(folder: string, name: string, size: number): string {
  const path = join(folder, name)
  writeFileSync(path, randomBytes(size))
  return path
}
