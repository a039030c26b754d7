// What the benchmark asks of every client that it compares.

import type { ChildProcess } from 'node:child_process'
import type { Hosts } from './hosts.ts'

export interface Stage {
  readonly hosts: Hosts
  /** Peers are the hosts from 1 on, seeds first; host 0 is for what the client needs beside them, such as a tracker. */
  readonly seeds: number
  readonly leechers: number
  /** A folder of this run's own. */
  readonly folder: string
  /** The file to be shared, called `payload.bin`. */
  readonly payload: string
}

export interface Swarm extends AsyncDisposable {
  /** The process id of the peer that has the file on offer. */
  seed(host: number): Promise<number>
  /** Once every seed was told to: resolves when leechers will find them. */
  seedsReady(): Promise<unknown>
  /** The file arrives at `folder`/d`host`/payload.bin. `whole` resolves when the client says that it has it. */
  leech(host: number): { readonly pid: number; readonly whole: Promise<void> }
}

export interface Client {
  /** Why it cannot run here. */
  missing(): string | undefined
  open(stage: Stage): Promise<Swarm>
}

/** Resolves with the first line of its standard output that begins so; rejects when it ends before. */
export function lineOf(child: ChildProcess, beginning: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    child.stdout!.on('data', chunk => {
      text += chunk
      const line = text.split('\n').find(each => each.startsWith(beginning))
      if (line !== undefined) resolve(line)
    })
    child.once('error', reject)
    child.once('exit', code => reject(new Error(`${child.spawnargs.join(' ')} ended with ${code}`)))
  })
}
