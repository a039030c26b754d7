// A person in a script: a home of their own, and the command line as anyone would type it.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const launcher = fileURLToPath(new URL('../bin/shoal.js', import.meta.url))

export interface Person {
  readonly name: string
  /** SHOAL_HOME. */
  readonly home: string
  /** Runs one command as this person and returns what it printed; throws when it fails. */
  shoal(...words: string[]): Promise<string>
  /** The same, with every line of output as it comes. */
  follow(words: readonly string[], onLine: (line: string) => void): Promise<void>
}

export interface CommandRunner {
  /** Runs `shoal` with these words; rejects when the command fails, or `stop` was called. */
  run(words: readonly string[], env: NodeJS.ProcessEnv, onLine: (line: string) => void): Promise<void>
  stop(): Promise<void>
}

/** The commands of one script, each a process. A script that is interrupted stops them, so that none of them outlives it. */
export class Commands implements CommandRunner {
  readonly #running = new Map<ChildProcess, { readonly words: readonly string[]; readonly closed: Promise<unknown> }>()
  #isStopped = false

  async run(words: readonly string[], env: NodeJS.ProcessEnv, onLine: (line: string) => void): Promise<void> {
    if (this.#isStopped) throw new Error(`shoal ${words.join(' ')} was not started: the script is ending`)
    // In its own process group, because the script handles Ctrl-C.
    const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe']
    const child = spawn(process.execPath, [launcher, ...words], { env, stdio, detached: true })
    const closed = once(child, 'close')
    this.#running.set(child, { words, closed })
    let complaint = ''
    child.stderr.on('data', text => {
      complaint += text
    })
    createInterface(child.stdout).on('line', onLine)
    const [code] = await closed
    this.#running.delete(child)
    if (code !== 0) throw new Error(`shoal ${words.join(' ')} ended with ${code}: ${complaint.trim()}`)
  }

  /**
   * Starts no further command. Ends those that wait for a download; lets the others finish, since a log-in that is killed
   * could leave an agent that nothing knows of.
   */
  async stop(): Promise<void> {
    this.#isStopped = true
    const running = [...this.#running]
    for (const [child, { words }] of running) if (words.includes('--wait')) child.kill('SIGKILL')
    await Promise.allSettled(running.map(([, { closed }]) => closed))
  }
}

export function person(
  commands: CommandRunner,
  { name, home, servers, password }: { name: string; home: string; servers: readonly string[]; password: string },
): Person {
  const env = { ...process.env, SHOAL_HOME: home, SHOAL_SERVERS: servers.join(','), SHOAL_PASSWORD: password }
  const follow = async (words: readonly string[], onLine: (line: string) => void) => {
    try {
      await commands.run(words, env, onLine)
    } catch (error) {
      throw new Error(`${name}: ${(error as Error).message}`, { cause: error })
    }
  }
  return {
    name,
    home,
    follow,
    async shoal(...words) {
      const lines: string[] = []
      await follow(words, line => lines.push(line))
      return lines.join('\n')
    },
  }
}
