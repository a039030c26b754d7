// Whether a path and a group stand in the wrong order.

import { existsSync } from 'node:fs'
import { isId } from '../domain/names.ts'
import { absolutePath } from './paths.ts'

/** A path names something on disk, or else cannot be a group's name. */
export function isPathSecond(path: string, group: string): boolean {
  const [first, second] = [path, group].map(typed => typed !== '' && existsSync(absolutePath(typed)))
  return first === second ? isId(path) && !isId(group) : second === true
}
