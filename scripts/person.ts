// A person in a script: a home of their own, and the command line as anybody would type it.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const launcher = fileURLToPath(new URL('../bin/shoal.js', import.meta.url))
const children = new Set<ChildProcess>()

export interface Person {
  readonly name: string
  /** Runs one command as this person and returns what it printed; throws when it fails. */
  shoal(...words: string[]): Promise<string>
  /** The same, with every line of output as it comes. */
  follow(words: readonly string[], onLine: (line: string) => void): Promise<void>
}

export function person(name: string, home: string, servers: string, password: string): Person {
  const env = { ...process.env, SHOAL_HOME: home, SHOAL_SERVERS: servers, SHOAL_PASSWORD: password }
  const follow = async (words: readonly string[], onLine: (line: string) => void) => {
    // In a group of its own: a Ctrl-C is the script's to answer.
    const child = spawn(process.execPath, [launcher, ...words], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    children.add(child)
    let complaint = ''
    child.stderr.on('data', text => {
      complaint += text
    })
    createInterface(child.stdout).on('line', onLine)
    const [code] = await once(child, 'close')
    children.delete(child)
    if (code !== 0) throw new Error(`${name}: shoal ${words.join(' ')} ended with ${code}: ${complaint.trim()}`)
  }
  return {
    name,
    follow,
    async shoal(...words) {
      const lines: string[] = []
      await follow(words, line => lines.push(line))
      return lines.join('\n')
    },
  }
}

/** Whatever anybody has not finished. */
export function endCommands(): void {
  for (const child of children) child.kill('SIGKILL')
}
