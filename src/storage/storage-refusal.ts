// What the file system says when a download cannot be written, in our vocabulary.

import { access, constants, statfs } from 'node:fs/promises'
import { showable } from '../domain/names.ts'
import { done, type Outcome, type Refusal, refuse } from '../domain/refusal.ts'
import { LibraryFailed } from './library-file.ts'

/** `path` is what was being written. Throws the error again when it is none of the file system's. */
export function storageRefusal(error: unknown, path: string): Refusal {
  const { code, message } = error as NodeJS.ErrnoException
  if (error instanceof LibraryFailed) return refuse(error.code, error.message)
  const where = showable(path)
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return refuse('no-space', `no space left to write ${where}; make room, then resume the download`)
    case 'EFBIG':
      return refuse('no-space', `the file system of ${where} takes no file of this size; choose another folder`)
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return refuse('destination-unwritable', `you may not write ${where}; choose another folder`)
    case 'ENOENT':
    case 'ENOTDIR':
      return refuse('destination-unwritable', `the folder of ${where} does not exist; make it first`)
    case 'ELOOP':
      return refuse('destination-unwritable', `${where} is a symbolic link, which is never written through; remove it`)
    case undefined:
      throw error
    default:
      return refuse(
        'destination-unwritable',
        `cannot write or read ${where}: ${showable(message)}; look after its disk, then try again`,
      )
  }
}

/** Refuses with `destination-unwritable` when no file of ours can be made in the folder. */
export async function checkWritable(folder: string): Promise<Outcome<void>> {
  try {
    return done(await access(folder, constants.W_OK | constants.X_OK))
  } catch (error) {
    return storageRefusal(error, folder)
  }
}

/** Refuses with `no-space` when the folder's file system has fewer than so many bytes free for us. */
export async function checkFreeSpace(folder: string, neededBytes: number): Promise<Outcome<void>> {
  try {
    const { bavail, bsize } = await statfs(folder)
    if (bavail * bsize >= neededBytes) return done(undefined)
    const missing = Math.ceil((neededBytes - bavail * bsize) / 2 ** 20)
    return refuse(
      'no-space',
      `${showable(folder)} lacks ${missing} MiB for this file; make room, or choose another folder`,
    )
  } catch (error) {
    return storageRefusal(error, folder)
  }
}
