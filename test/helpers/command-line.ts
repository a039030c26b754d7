// A person at a terminal, with a home of their own: runs bin/shoal.js as scripts outside this repository do, or, since
// most tests want only what a command does, the same words in the test's own process, for a fifth of what that costs.
// Whatever agent they start is stopped when the test has ended.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import { stopAgent } from '../../src/actors/device/agent-process.ts'
import { openHome } from '../../src/actors/device/home.ts'
import { runArguments } from '../../src/cli/run-arguments.ts'
import { reapOnExit } from './reap-on-exit.ts'
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
  /** In a process of its own, for what only that shows. */
  run(words: readonly string[], options?: { env?: NodeJS.ProcessEnv; input?: string }): Promise<Ran>
  /** As `run`, in this process and with nothing to read. */
  runHere(words: readonly string[], env?: NodeJS.ProcessEnv): Promise<Ran>
  /** Runs with --json, in this process, and returns its documents; throws when it does not exit with 0. */
  json<T>(...words: string[]): Promise<T[]>
  /** Runs a command that must be refused, with --json, in this process; the error's code. Throws if the output breaks the contract. */
  refusal(...words: string[]): Promise<{ code: string; exit: number }>
  /** Starts a command that goes on until it is told to end. */
  start(words: readonly string[]): ChildProcess
}

export function commandLine(t: ExecutionContext, servers: readonly string[], password = 'correct horse'): CommandLine {
  reapOnExit()
  const folder = tempFolder(t)
  const home = join(folder, 'home')
  mkdirSync(home)
  t.teardown(() => stopAgent(openHome(home)))
  const env = { ...process.env, SHOAL_HOME: home, SHOAL_SERVERS: servers.join(','), SHOAL_PASSWORD: password }
  const start = (words: readonly string[], more: NodeJS.ProcessEnv = {}) =>
    spawn(process.execPath, [launcher, ...words], {
      cwd: folder,
      env: { ...env, ...more },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
  const runHere: CommandLine['runHere'] = (words, more = {}) => runInFolder(words, folder, { ...env, ...more })

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
    runHere,
    start,
    async json<T>(...words: string[]) {
      const { code, out, err } = await runHere([...words, '--json'])
      if (code !== 0) throw new Error(`shoal ${words.join(' ')} exited with ${code}: ${err}`)
      return out
        .trim()
        .split('\n')
        .map(line => JSON.parse(line) as T)
    },
    async refusal(...words) {
      const { code: exit, out, err } = await runHere([...words, '--json'])
      const { error } = JSON.parse(out.trim().split('\n').at(-1) ?? '')
      if (err !== `shoal: ${error.message}\n`)
        throw new Error(`shoal ${words.join(' ')} complained in other words: ${err}`)
      return { code: error.code, exit }
    },
  }
}

let isRunning = false

/** A process is in one folder at a time, and so there is one command at a time. */
async function runInFolder(words: readonly string[], folder: string, env: NodeJS.ProcessEnv): Promise<Ran> {
  if (isRunning) throw new Error(`a test runs one command at a time in its own process, and so not shoal ${words[0]}`)
  isRunning = true
  const before = process.cwd()
  process.chdir(folder)
  try {
    return await runInThisProcess(words, env)
  } finally {
    process.chdir(before)
    isRunning = false
  }
}

/** Several at a time, if their paths are absolute. */
export async function runInThisProcess(words: readonly string[], env: NodeJS.ProcessEnv): Promise<Ran> {
  const [stdin, stdout, stderr] = [new PassThrough().end(), new PassThrough(), new PassThrough()]
  const code = await runArguments(words, { env, stdin, stdout, stderr })
  return { code, out: await text(stdout.end()), err: await text(stderr.end()) }
}
