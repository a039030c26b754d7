// One process of the cluster or of a person, on its host: started, killed, paused and continued. If it ends by itself, the
// judge is told.

import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Hosts } from '../../../bench/swarm/hosts.ts'

export interface PartPlan {
  readonly name: string
  readonly host: number
  readonly folder: string
  readonly command: readonly string[]
  readonly env?: NodeJS.ProcessEnv
}

export interface Part extends Omit<PartPlan, 'command' | 'env'> {
  /** Does nothing while it runs; returns before it is ready. */
  start(): void
  /** SIGKILL; the process is gone when this returns. */
  kill(): Promise<void>
  /** SIGTERM; the process is gone when this returns. */
  stop(): Promise<void>
  pause(): void
  goOn(): void
  readonly isRunning: boolean
  /** Each unexpected end: how it ended, and the end of its output. */
  readonly deaths: readonly string[]
}

export function createPart(hosts: Hosts, { command, env, ...plan }: PartPlan): Part {
  let child: ChildProcess | undefined
  let isWanted = false
  const deaths: string[] = []
  const end = async (signal: 'SIGKILL' | 'SIGTERM') => {
    isWanted = false
    const ending = child
    if (!ending) return
    const gone = once(ending, 'exit')
    ending.kill(signal)
    await gone
  }
  return {
    ...plan,
    start() {
      if (child) return
      mkdirSync(plan.folder, { recursive: true, mode: 0o700 })
      const output = openSync(join(plan.folder, 'output'), 'a')
      const started = hosts.spawn(plan.host, command, {
        stdio: ['ignore', output, output],
        env: { ...process.env, ...env },
      })
      closeSync(output)
      isWanted = true
      child = started
      started.once('exit', (code, signal) => {
        if (isWanted)
          deaths.push(
            `${new Date().toISOString()}, ${signal ?? code}: ${readFileSync(join(plan.folder, 'output'), 'utf8').slice(-3_000)}`,
          )
        child = undefined
      })
    },
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    pause: () => void child?.kill('SIGSTOP'),
    goOn: () => void child?.kill('SIGCONT'),
    get isRunning() {
      return child !== undefined
    },
    deaths,
  }
}
