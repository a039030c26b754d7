// Where a download goes: a folder that exists, or a path whose folder exists. Refused before anything is asked of
// anybody else; symbolic links on the way are followed once, here.

import { realpath, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { showable } from '../../domain/names.ts'
import { done, type Outcome, refuse } from '../../domain/refusal.ts'

/** The final path, folder resolved. `name` is the file's name if `destination` is a folder. */
export async function resolveDestination(destination: string, name: string): Promise<Outcome<string>> {
  const there = await stat(destination).catch(() => undefined)
  const isFolder = there?.isDirectory() === true
  const folder = isFolder ? destination : dirname(destination)
  const resolved = await realpath(folder).catch(() => undefined)
  if (resolved === undefined || !(await stat(resolved)).isDirectory())
    return refuse('destination-unwritable', `the folder ${showable(folder)} does not exist; make it first`)
  return done(join(resolved, isFolder ? name : basename(destination)))
}
