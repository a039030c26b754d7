// The digests of all definitions of this version, by which a watcher knows whether a process runs the same ones.

import { allMachines } from '../machines/all-machines.ts'
import { outlineOf } from './outline.ts'

let made: Readonly<Record<string, string>> | undefined

export function definitionDigests(): Readonly<Record<string, string>> {
  made ??= Object.fromEntries(allMachines.map(machine => [machine.id, outlineOf(machine).digest]))
  return made
}
