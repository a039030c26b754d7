// Reads one of the JSON files that describe a cluster: its plan, its secrets.

import { readFileSync } from 'node:fs'
import type * as z from 'zod'
import { readJson } from '../wire/json.ts'
import { ClusterFailure } from './cluster-failure.ts'

/**
 * Undefined when there is no such file. Throws ClusterFailure `no-cluster` when it cannot be read, or does not fit the
 * schema; `advice` tells the person what to do about a damaged one.
 */
export function readClusterFile<T extends z.ZodType>(file: string, schema: T, advice: string): z.output<T> | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new ClusterFailure('no-cluster', `${file} cannot be read: ${(cause as Error).message}`, { cause })
  }
  const content = readJson(text, schema)
  if (content !== undefined) return content
  throw new ClusterFailure('no-cluster', `${file} is damaged: ${advice}`)
}
