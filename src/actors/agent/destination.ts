// Where a download goes, and what is there already. Symbolic links on the way are followed once, when the destination is
// resolved; nothing is ever written through one.

import type { BigIntStats } from 'node:fs'
import { lstat, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Manifest } from '../../domain/manifest.ts'
import { showable } from '../../domain/names.ts'
import { done, type Outcome, type Refusal, refuse } from '../../domain/refusal.ts'
import { type Fingerprint, fingerprintOf } from '../../storage/fingerprint.ts'
import { verifyFile } from '../../storage/hashing.ts'
import { isClaim } from '../../storage/piece-file.ts'
import { checkFreeSpace, checkWritable, storageRefusal } from '../../storage/storage-refusal.ts'

/** The final path, its folder resolved. `destination` is an existing folder, for a file called `name`, or a path in one. */
export async function resolveDestination(destination: string, name: string): Promise<Outcome<string>> {
  const stats = await stat(destination).catch(() => undefined)
  const isFolder = stats?.isDirectory() === true
  const folder = isFolder ? destination : dirname(destination)
  const resolved = await realpath(folder).catch(() => undefined)
  if (resolved === undefined || !(await stat(resolved)).isDirectory())
    return refuse('destination-unwritable', `the folder ${showable(folder)} does not exist; make it first`)
  return done(join(resolved, isFolder ? name : basename(destination)))
}

/** Pieces are kept beside the destination until the file is whole. */
export const partFileOf = (path: string): string => `${path}.part`

/** Refuses when a download cannot go to `path`: something is in its way, or the folder has no room or cannot be written. */
export async function checkDestination(path: string, manifest: Manifest, overwrite: boolean): Promise<Outcome<void>> {
  const part = partFileOf(path)
  if (await lstat(part).catch(() => undefined))
    return refuse(
      'destination-exists',
      `${showable(part)} exists, and no download here uses it; remove it or move it away`,
    )
  const found = await inspectDestination(path, manifest).then(done, error => storageRefusal(error, path))
  if (!found.ok) return found
  const { kind } = found.value
  if (kind === 'same') return done(undefined)
  if (kind === 'other' && !overwrite) return destinationExists(path)
  const writable = await checkWritable(dirname(path))
  // A file that will be replaced keeps its room until the new one is whole.
  return writable.ok ? checkFreeSpace(dirname(path), manifest.size) : writable
}

/** `claimed`: a placeholder of ours that a kill left behind. `same`: the very file of the manifest. */
export type Destination = { readonly kind: 'free' | 'claimed' | 'other' } | SameFile

interface SameFile {
  readonly kind: 'same'
  readonly fingerprint: Fingerprint
}

/** What is at `path`. Reads a file of the right size in full. Rejects with the signal's reason. */
export async function inspectDestination(path: string, manifest: Manifest, signal?: AbortSignal): Promise<Destination> {
  const before = await lstat(path, { bigint: true }).catch(() => undefined)
  if (!before) return { kind: 'free' }
  if (!before.isFile()) return { kind: 'other' }
  if (await isSame(before, path, manifest, signal)) return { kind: 'same', fingerprint: fingerprintOf(before) }
  return { kind: (await isClaim(path).catch(() => false)) ? 'claimed' : 'other' }
}

const isSame = async ({ size }: BigIntStats, path: string, manifest: Manifest, signal: AbortSignal | undefined) =>
  Number(size) === manifest.size && (await verifyFile(path, manifest, signal ? { signal } : {})).ok

export const destinationExists = (path: string): Refusal =>
  refuse('destination-exists', `${showable(path)} is another file; choose another destination, or use --overwrite`)
