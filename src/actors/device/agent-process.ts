// Starts, finds and stops the agent as a background process of this machine. A home has one agent at most: the library's
// lock decides that; the process id only tells which process to signal.

import { spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, renameSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { processTunables } from '../../../config/cluster.ts'
import { done, type Outcome, refuse } from '../../domain/refusal.ts'
import { openLibrary } from '../../storage/library.ts'
import { LibraryInUse } from '../../storage/library-file.ts'
import type { Home } from './home.ts'
import { isAlive } from './process-alive.ts'

export interface AgentOptions {
  /** Brokers to try besides those that the home knows. */
  readonly servers: readonly string[]
  /** HOST:PORT to serve peers at, from now on; port 0 is any free one. Default: as before, or any port of every interface. */
  readonly listen?: string | undefined
}

/** True while this home's agent runs: its recorded process is alive and the library is locked. */
export function agentIsRunning(home: Home): boolean {
  const pid = home.agentPid()
  if (pid === undefined || !isAlive(pid)) return false
  try {
    openLibrary(home.libraryFile).close()
    return false
  } catch (error) {
    if (error instanceof LibraryInUse) return true
    throw error
  }
}

/**
 * Starts the agent in the background unless it runs; resolves to its process id once it holds the library. Refuses with
 * `usage` if it already runs and is to listen elsewhere.
 */
export async function startAgent(home: Home, { servers, listen }: AgentOptions): Promise<Outcome<number>> {
  if (agentIsRunning(home)) {
    if (listen === undefined || listen === home.listen()) return done(home.agentPid()!)
    return refuse(
      'usage',
      `the agent is already running and listens at ${home.listen() ?? 'any port'}; run shoal agent stop first`,
    )
  }
  const before = home.agentPid()
  // Another program has this id by now. Checking whether it is our agent would lock the library for an instant.
  const foreign = before !== undefined && isAlive(before) ? before : undefined
  const size = statSync(home.agentLog, { throwIfNoEntry: false })?.size ?? 0
  if (size > processTunables.maxOutputBytes) renameSync(home.agentLog, `${home.agentLog}.old`)
  const log = openSync(home.agentLog, 'a', 0o600)
  // 4 MiB semi-spaces instead of 16 for short-lived objects: 20 MiB less memory at the same speed, measured over 1 GiB.
  const runtime = ['--max-semi-space-size=4']
  const args = ['--home', home.folder, '--servers', servers.join(','), 'agent', 'run']
  if (listen !== undefined) args.push('--listen', listen)
  const agent = spawn(process.execPath, [...runtime, shoalProgram(), ...args], {
    detached: true,
    stdio: ['ignore', log, log],
    // glibc keeps freed memory in an arena a thread; two arenas cost an agent 40 MiB less, measured over 1 GiB.
    env: { ...process.env, MALLOC_ARENA_MAX: '2', SHOAL_PASSWORD: undefined },
  })
  closeSync(log)
  agent.unref()
  let ended = false
  for (const end of ['error', 'exit'])
    agent.once(end, () => {
      ended = true
    })
  const until = Date.now() + processTunables.startTimeoutMs
  while (Date.now() < until) {
    if (home.agentPid() !== foreign && agentIsRunning(home)) {
      const running = home.agentPid()!
      // Another start was faster. Ours still waits for the library and must not get it when that agent stops.
      if (running !== agent.pid) agent.kill('SIGKILL')
      return done(running)
    }
    if (ended) break
    await delay(processTunables.lookEveryMs)
  }
  const lastLine = (await readFile(home.agentLog, 'utf8')).trimEnd().split('\n').at(-1) ?? ''
  return refuse('unreachable', `the agent did not start; the end of ${home.agentLog} says: ${lastLine.slice(0, 300)}`)
}

/** Stops the agent, also a frozen one, and waits until it is gone; false when none ran. */
export async function stopAgent(home: Home): Promise<boolean> {
  if (!agentIsRunning(home)) return false
  const pid = home.agentPid()!
  signal(pid, 'SIGTERM')
  // A suspended process acts on that only once it goes on.
  signal(pid, 'SIGCONT')
  const until = Date.now() + processTunables.agentStopTimeoutMs
  while (isAlive(pid)) {
    if (Date.now() > until) signal(pid, 'SIGKILL')
    await delay(processTunables.lookEveryMs)
  }
  return true
}

function signal(pid: number, name: 'SIGTERM' | 'SIGCONT' | 'SIGKILL'): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    // It has just ended by itself.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** bin/shoal.js of the checkout or the installed package that this file is part of. */
function shoalProgram(): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    const program = join(folder, 'bin', 'shoal.js')
    if (existsSync(program)) return program
    if (folder === dirname(folder)) throw new Error('bug: bin/shoal.js is not above this file')
  }
}
