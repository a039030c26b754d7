// Somebody at a terminal: runs bin/shoal.js as scripts outside this repository do, with a home of their own, and tells
// what it printed. Whatever agent they start is stopped when the test has ended.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import { stopAgent } from '../../src/actors/agent/agent-process.ts'
import { openHome } from '../../src/actors/home.ts'
import { tempFolder } from './temp-folder.ts'

const launcher = fileURLToPath(new URL('../../bin/shoal.js', import.meta.url))

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface CommandLine {
  /** SHOAL_HOME. */
  readonly home: string
  /** For files of the test's own. */
  readonly folder: string
  run(words: readonly string[], options?: { env?: NodeJS.ProcessEnv; input?: string }): Promise<Ran>
  /** Runs with --json and returns its documents; throws when it does not exit with 0. */
  json<T>(...words: string[]): Promise<T[]>
  /** Runs with --json what is to be refused, and returns the error's code; throws unless it is told as the contract says. */
  refusal(...words: string[]): Promise<{ code: string; exit: number }>
  /** Starts a command that goes on until it is told to end. */
  start(words: readonly string[]): ChildProcess
}

export function commandLine(t: ExecutionContext, servers: readonly string[], password = 'correct horse'): CommandLine {
  const folder = tempFolder(t)
  const home = join(folder, 'home')
  mkdirSync(home)
  t.teardown(() => stopAgent(openHome(home)))
  const start = (words: readonly string[], more: NodeJS.ProcessEnv = {}) =>
    spawn(process.execPath, [launcher, ...words], {
      cwd: folder,
      env: {
        ...process.env,
        SHOAL_HOME: home,
        SHOAL_SERVERS: servers.join(','),
        SHOAL_PASSWORD: password,
        ...more,
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    })

  const run: CommandLine['run'] = async (words, { env, input } = {}) => {
    const child = start(words, env)
    // It may end before it has read anything.
    child.stdin.on('error', () => {})
    child.stdin.end(input)
    const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
    return { code, out, err }
  }

  return {
    home,
    folder,
    run,
    start,
    async json<T>(...words: string[]) {
      const { code, out, err } = await run([...words, '--json'])
      if (code !== 0) throw new Error(`shoal ${words.join(' ')} exited with ${code}: ${err}`)
      return out
        .trim()
        .split('\n')
        .map(line => JSON.parse(line) as T)
    },
    async refusal(...words) {
      const { code: exit, out, err } = await run([...words, '--json'])
      const { error } = JSON.parse(out.trim().split('\n').at(-1) ?? '')
      if (err !== `shoal: ${error.message}\n`)
        throw new Error(`shoal ${words.join(' ')} complained in other words: ${err}`)
      return { code: error.code, exit }
    },
  }
}
