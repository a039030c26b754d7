// Paths as a person types them, made absolute, since the agent has a working directory of its own. A leading `~/` is for
// the shell's prompt, where nothing else expands it.

import { statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve, sep } from 'node:path'
import { done, type Outcome, refuse } from '../domain/refusal.ts'

export const absolutePath = (typed: string): string =>
  resolve(typed === '~' || typed.startsWith('~/') ? join(homedir(), typed.slice(1)) : typed)

/** Where a download goes: a folder, or a file in one. A trailing slash means a folder. */
export function parseDestination(typed: string): Outcome<string> {
  if (typed === '') return refuse('usage', 'the destination is empty; name a folder, or a path for the file')
  const path = absolutePath(typed)
  const isMeantAsFolder = typed.endsWith('/') || typed.endsWith(sep)
  if (isMeantAsFolder && !statSync(path, { throwIfNoEntry: false })?.isDirectory())
    return refuse('destination-unwritable', `there is no folder ${path}; create it first`)
  return done(path)
}
