// What every compared client must be able to do.

import type { ChildProcess } from 'node:child_process'
import type { Hosts } from './hosts.ts'

export interface Stage {
  readonly hosts: Hosts
  /** Peers are the hosts from 1 on, seeds first; host 0 is for what the client needs besides, such as a tracker. */
  readonly seeds: number
  readonly leechers: number
  /** A folder for this run. */
  readonly folder: string
  /** The file to share, called `payload.bin`. */
  readonly payload: string
}

export interface Swarm extends AsyncDisposable {
  /** The process id of the peer that offers the file. */
  seed(host: number): Promise<number>
  /** Called once every seed was started; resolves when leechers can find them. */
  seedsReady(): Promise<unknown>
  /** The file arrives at `folder`/d`host`/payload.bin. `whole` resolves when the client reports that it has the file. */
  leech(host: number): { readonly pid: number; readonly whole: Promise<void> }
}

export interface Client {
  /** Why it cannot run here. */
  missing(): string | undefined
  open(stage: Stage): Promise<Swarm>
}

/** Resolves with the first line of standard output that begins so; rejects if the process ends before. */
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
