// Whether a process is there and still at work. One that has ended and that nobody has collected is neither, though it
// can be signalled: where the first process of a container collects nobody, such entries stay for good.

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'

const hasProc = existsSync('/proc/self/stat')

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  const state = stateOf(pid)
  return state !== undefined && state !== 'Z' && state !== 'X'
}

/** One letter, as `ps` has it; undefined when it went this moment. */
function stateOf(pid: number): string | undefined {
  try {
    if (hasProc) return /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]
    return execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).trim()[0]
  } catch {
    return undefined
  }
}
