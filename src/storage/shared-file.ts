// A shared file, read only. The fingerprint is compared after each read, so a byte of a changed file is never returned. Only
// regular files are opened.

import { constants } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { showable } from '../domain/names.ts'
import { done, type Outcome, refuse } from '../domain/refusal.ts'
import { type Fingerprint, fingerprintOf, isSameFingerprint } from './fingerprint.ts'
import { readFully, totalBytes } from './read-fully.ts'

/** The file's bytes may no longer be those that were hashed. */
export class SharedFileChanged extends Error {
  override readonly name = 'SharedFileChanged'
  readonly code = 'changed'
}

/** The file is gone, replaced or unreadable. */
export class SharedFileVanished extends Error {
  override readonly name = 'SharedFileVanished'
  readonly code = 'vanished'
}

export interface SharedFile {
  readonly path: string
  /** Fills the buffers from there on. Rejects with SharedFileChanged, SharedFileVanished, or the file system's error. */
  read(offset: number, into: readonly Buffer[]): Promise<void>
  /** Checks that the path still leads to the unchanged file. Cheap. Rejects as `read` does. */
  check(): Promise<void>
  close(): Promise<void>
}

/** Opens a regular file for reading; refuses anything else, and what cannot be read, with `file-unreadable`. */
export async function openRegularFile(path: string): Promise<Outcome<FileHandle>> {
  let file: FileHandle
  try {
    // Checked before it is opened, because opening a device can act on it. NONBLOCK, because opening a pipe can hang.
    const kind = await stat(path)
    if (!kind.isFile()) return notRegular(path, kind.isDirectory())
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === undefined) throw error
    const why = code === 'ENOENT' ? 'it does not exist' : code === 'EACCES' ? 'permission denied' : code
    return refuse('file-unreadable', `cannot read ${showable(path)}: ${why}`)
  }
  if ((await file.stat()).isFile()) return done(file)
  await file.close()
  return notRegular(path, false)
}

const notRegular = (path: string, isFolder: boolean) =>
  refuse(
    'file-unreadable',
    `cannot share ${showable(path)}: it is ${isFolder ? 'a folder; share the files in it, or pack it into one' : 'not a regular file'}`,
  )

/** Opens the file with that fingerprint. Rejects with SharedFileVanished or SharedFileChanged when it is another one. */
export async function openSharedFile(path: string, hashed: Fingerprint): Promise<SharedFile> {
  const opened = await openRegularFile(path)
  if (!opened.ok) throw new SharedFileVanished(opened.message)
  const file = opened.value

  const compare = (now: Fingerprint) => {
    if (isSameFingerprint(now, hashed)) return
    throw new SharedFileChanged(`${showable(path)} has changed since it was shared; share it again`)
  }
  const check = async () => {
    try {
      compare(fingerprintOf(await stat(path, { bigint: true })))
    } catch (cause) {
      if (cause instanceof SharedFileChanged) throw cause
      throw new SharedFileVanished(`${showable(path)} no longer exists`, { cause })
    }
  }
  /** Deleting or renaming the file changes its ctime, too; the path tells the two apart. */
  const compareOpen = async () => {
    const now = fingerprintOf(await file.stat({ bigint: true }))
    if (isSameFingerprint(now, hashed)) return
    await check()
    compare(now)
  }

  try {
    await compareOpen()
  } catch (error) {
    await file.close()
    throw error
  }
  return {
    path,
    check,
    async read(offset, into) {
      const filled = await readFully(file, into, offset)
      await compareOpen()
      if (filled < totalBytes(into)) throw new RangeError(`bug: read of ${showable(path)} beyond its end`)
    },
    close: () => file.close(),
  }
}
