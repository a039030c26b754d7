// Finds processes by a folder that they were started with: as an argument, or in the environment that a parent handed
// down. Never this process itself.

import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { isAlive } from '../../src/actors/device/process-alive.ts'

const hasProc = existsSync('/proc/self/environ')

export function processesThatName(folder: string): number[] {
  const all = hasProc ? readdirSync('/proc').filter(name => /^\d+$/.test(name)) : undefined
  const naming = all
    ? all.map(Number).filter(pid => read(`/proc/${pid}/cmdline`, folder) || read(`/proc/${pid}/environ`, folder))
    : listedByPs(folder)
  return naming.filter(pid => pid !== process.pid && isAlive(pid))
}

function read(file: string, wanted: string): boolean {
  try {
    return readFileSync(file, 'latin1').includes(wanted)
  } catch {
    // It has ended, or belongs to another user.
    return false
  }
}

/** With `e` ps prints each process's environment after its arguments. */
function listedByPs(folder: string): number[] {
  const lines = execFileSync('ps', ['axeww', '-o', 'pid=,command='], { encoding: 'utf8', maxBuffer: 2 ** 26 })
  return lines
    .split('\n')
    .filter(line => line.includes(folder))
    .map(line => Number.parseInt(line, 10))
}
