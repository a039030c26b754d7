// The digests of this version's definitions. A watcher compares them with those of a process to see whether it runs the same.

import { allMachines } from '../machines/all-machines.ts'
import { outlineOf } from './outline.ts'

let made: Readonly<Record<string, string>> | undefined

export function definitionDigests(): Readonly<Record<string, string>> {
  made ??= Object.fromEntries(allMachines.map(machine => [machine.id, outlineOf(machine).digest]))
  return made
}
