// Tells whether a file has changed, as git's index does: while its fingerprint is the same, so are its bytes. A write in the
// same clock tick as the last one would not show, so `settledFingerprint` waits until the file has been still for longer
// than a tick.

import type { BigIntStats } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import * as z from 'zod'

export const fingerprintSchema = z.strictObject({
  size: z.number().int().nonnegative(),
  /** 64-bit numbers as decimal text, for JSON. */
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
  // Every write changes ctime, and no program can set it. A clock that was set back must not make us wait long.
  const ageMs = Date.now() - Number(stats.ctimeMs)
  if (ageMs >= tickMs) return fingerprintOf(stats)
  await delay(tickMs)
  return fingerprintOf(await file.stat({ bigint: true }))
}
