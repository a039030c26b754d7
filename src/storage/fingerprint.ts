// By what a file is known to be unaltered, as in git's index: bytes read under a fingerprint are the file's bytes for
// as long as the fingerprint is the same. A write in the same clock tick as the last one would not show, so a
// fingerprint counts only once the file has been still for longer than a tick: `settledFingerprint` waits for that.

import type { BigIntStats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import * as z from 'zod'

export const fingerprintSchema = z.strictObject({
  size: z.number().int().nonnegative(),
  /** 64-bit numbers as decimal text: they travel in JSON. */
  mtimeNs: z.string(),
  ctimeNs: z.string(),
  ino: z.string(),
  dev: z.string(),
})
export type Fingerprint = z.infer<typeof fingerprintSchema>

/** Longer than the coarsest tick of Linux's file times (10 ms at 100 Hz). */
const tickMs = 20

export const fingerprintOf = (stats: BigIntStats): Fingerprint => ({
  size: Number(stats.size),
  mtimeNs: String(stats.mtimeNs),
  ctimeNs: String(stats.ctimeNs),
  ino: String(stats.ino),
  dev: String(stats.dev),
})

export const isSameFingerprint = (a: Fingerprint, b: Fingerprint): boolean =>
  a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs && a.ino === b.ino && a.dev === b.dev

/** The fingerprint of an open file, once it has been still for more than a tick. */
export async function settledFingerprint(file: FileHandle): Promise<Fingerprint> {
  const stats = await file.stat({ bigint: true })
  // A write always moves ctime, and nobody can set it; a clock that was put back must not make us wait long.
  const ageMs = Date.now() - Number(stats.ctimeMs)
  if (ageMs >= tickMs) return fingerprintOf(stats)
  await delay(tickMs)
  return fingerprintOf(await file.stat({ bigint: true }))
}
