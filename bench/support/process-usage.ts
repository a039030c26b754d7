// What processes use, as Linux counts it.

import { readFileSync } from 'node:fs'

/** Memory that is resident, in MiB. */
export const residentMiB = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024

/** Processor time since the start, in s. Linux counts it in hundredths, whatever the machine's own clock. */
export function processorSeconds(pid: number): number {
  // The name, in parentheses, may hold anything.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}
