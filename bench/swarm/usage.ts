// What a process has used so far, according to Linux; undefined on other systems and for a process that has ended.

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

export interface Usage {
  /** User and system, all threads. */
  readonly cpuSeconds: number
  readonly peakMib: number
}

let ticks: number | undefined

export function usageOf(pid: number): Usage | undefined {
  try {
    ticks ??= Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
    // The name, in brackets, may hold anything; utime and stime are the 12th and 13th fields after it.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')
    const [, peakKib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return { cpuSeconds: (Number(fields[11]) + Number(fields[12])) / ticks, peakMib: Number(peakKib) / 1024 }
  } catch {
    return undefined
  }
}
