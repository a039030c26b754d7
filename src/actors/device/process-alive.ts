// Whether a process is alive. A zombie, which has ended and was not reaped, is not, though it can still be signalled: in a
// container whose first process reaps nothing, zombies stay for good.

import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'

const hasProc = existsSync('/proc/self/stat')

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  try {
    if (hasProc) return isAtWork(readFileSync(`/proc/${pid}/stat`, 'utf8'))
    const state = execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).trim()
    return state !== '' && !isEnded(state)
  } catch {
    // It has just ended.
    return false
  }
}

const isEnded = (state: string) => /^[ZX]/.test(state)

/**
 * By a line of /proc/PID/stat (proc_pid_stat(5)). While a process is being killed its first thread may have ended before
 * others, and until the last one has, its files and ports are held.
 */
export function isAtWork(stat: string): boolean {
  // The name before may hold anything, brackets and blanks too.
  const [state = '', ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const threads = Number(rest[16])
  return !isEnded(state) || threads > 1
}
