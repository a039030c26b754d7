// Whether a process is alive, and whether it is suspended. A zombie, which has ended and was not reaped, is not alive,
// though it can still be signalled: in a container whose first process reaps nothing, zombies stay for good.

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
    if (hasProc) return isAtWork(procStat(pid))
    const state = psState(pid)
    return state !== '' && !isEnded(state)
  } catch {
    // It has just ended.
    return false
  }
}

/** True while SIGSTOP or a terminal's Ctrl-Z holds it: it does nothing until SIGCONT. */
export function isSuspended(pid: number): boolean {
  try {
    const state = hasProc ? stateIn(procStat(pid)) : psState(pid)
    return state.startsWith('T')
  } catch {
    // It has just ended.
    return false
  }
}

const procStat = (pid: number) => readFileSync(`/proc/${pid}/stat`, 'utf8')
const psState = (pid: number) => execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).trim()

const isEnded = (state: string) => /^[ZX]/.test(state)

/**
 * By a line of /proc/PID/stat (proc_pid_stat(5)). While a process is being killed its first thread may have ended before
 * others, and until the last one has, its files and ports are held.
 */
export function isAtWork(stat: string): boolean {
  const threads = Number(fieldsIn(stat)[17])
  return !isEnded(stateIn(stat)) || threads > 1
}

/** From the state on. The name before may hold anything, brackets and blanks too. */
const fieldsIn = (stat: string) => stat.slice(stat.lastIndexOf(')') + 2).split(' ')
const stateIn = (stat: string) => fieldsIn(stat)[0] ?? ''
