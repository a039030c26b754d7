// A file on offer, read only. Bytes are returned only while the file is the one that was hashed: the fingerprint is
// compared after each read, so an altered byte leaves here never. What is no regular file is refused.

import { constants } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { showable } from '../domain/names.ts'
import { done, type Outcome, refuse } from '../domain/refusal.ts'
import { type Fingerprint, fingerprintOf, isSameFingerprint } from './fingerprint.ts'
import { readFully, totalBytes } from './read-fully.ts'

/** The file's bytes may not be those that were hashed any more. */
export class SharedFileChanged extends Error {
  override readonly name = 'SharedFileChanged'
  readonly code = 'changed'
}

/** There is nothing, or another file, or nothing readable, under the file's name. */
export class SharedFileVanished extends Error {
  override readonly name = 'SharedFileVanished'
  readonly code = 'vanished'
}

export interface SharedFile {
  readonly path: string
  /** Fills the buffers from there on, or SharedFileChanged or SharedFileVanished, or the file system's own error. */
  read(offset: number, into: readonly Buffer[]): Promise<void>
  /** Whether the path still leads to the same unaltered file: cheap, for now and then. Throws as `read` does. */
  check(): Promise<void>
  close(): Promise<void>
}

/** Opens a regular file for reading; refuses with `file-unreadable` what is none or may not be read. */
export async function openRegularFile(path: string): Promise<Outcome<FileHandle>> {
  let file: FileHandle
  try {
    // Looked at before it is opened, for opening a device can act on it; and NONBLOCK, for opening a pipe can hang.
    const kind = await stat(path)
    if (!kind.isFile()) return notRegular(path, kind.isDirectory())
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === undefined) throw error
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EACCES' ? 'permission denied' : code
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

/** Opens a file hashed before under `hashed`. Throws SharedFileVanished or SharedFileChanged when it is not that one. */
export async function openSharedFile(path: string, hashed: Fingerprint): Promise<SharedFile> {
  const opened = await openRegularFile(path)
  if (!opened.ok) throw new SharedFileVanished(opened.message)
  const file = opened.value

  const compare = (now: Fingerprint) => {
    if (isSameFingerprint(now, hashed)) return
    throw new SharedFileChanged(`${showable(path)} was changed since it was shared; share it again`)
  }
  const check = async () => {
    try {
      compare(fingerprintOf(await stat(path, { bigint: true })))
    } catch (cause) {
      if (cause instanceof SharedFileChanged) throw cause
      throw new SharedFileVanished(`${showable(path)} is not there any more`, { cause })
    }
  }
  /** Deleting or renaming also moves ctime, so the path tells which of the two it was. */
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
