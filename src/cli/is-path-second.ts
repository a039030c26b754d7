// Whether a path and a group stand in the wrong order.

import { existsSync, statSync } from 'node:fs'
import { isId } from '../domain/names.ts'
import { absolutePath } from './paths.ts'

function isFile(typed: string): boolean {
  const path = absolutePath(typed)
  return typed !== '' && existsSync(path) && statSync(path).isFile()
}

/** A path names a file on disk, or else cannot be a group's name. A folder may well be named like a group. */
export function isPathSecond(path: string, group: string): boolean {
  if (!isId(path)) return false
  return isFile(path) === isFile(group) ? !isId(group) : isFile(group)
}
