// The file system's errors about a download, as refusals.

import { access, constants, statfs } from 'node:fs/promises'
import { showable } from '../domain/names.ts'
import { done, type Outcome, type Refusal, refuse } from '../domain/refusal.ts'
import { LibraryFailed } from './library-file.ts'

/** `path` is what was being written. Rethrows an error that is not the file system's. */
export function storageRefusal(error: unknown, path: string): Refusal {
  const { code, message } = error as NodeJS.ErrnoException
  if (error instanceof LibraryFailed) return refuse(error.code, error.message)
  const where = showable(path)
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return refuse('no-space', `no space left to write ${where}; make room, then resume the download`)
    case 'EFBIG':
      return refuse('no-space', `the file is too large for the file system of ${where}; choose another folder`)
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return refuse('destination-unwritable', `no permission to write ${where}; choose another folder`)
    case 'ENOENT':
    case 'ENOTDIR':
      return refuse('destination-unwritable', `the folder of ${where} does not exist; make it first`)
    case 'ELOOP':
      return refuse(
        'destination-unwritable',
        `${where} is a symbolic link, and Shoal never writes through one; remove it`,
      )
    case undefined:
      throw error
    default:
      return refuse(
        'destination-unwritable',
        `cannot write or read ${where}: ${showable(message)}; check its disk, then try again`,
      )
  }
}

/** Refuses with `destination-unwritable` when this process cannot create files in the folder. */
export async function checkWritable(folder: string): Promise<Outcome<void>> {
  try {
    return done(await access(folder, constants.W_OK | constants.X_OK))
  } catch (error) {
    return storageRefusal(error, folder)
  }
}

/** Refuses with `no-space` when the folder's file system has less free space than that. */
export async function checkFreeSpace(folder: string, neededBytes: number): Promise<Outcome<void>> {
  try {
    const { bavail, bsize } = await statfs(folder)
    if (bavail * bsize >= neededBytes) return done(undefined)
    const missing = Math.ceil((neededBytes - bavail * bsize) / 2 ** 20)
    return refuse(
      'no-space',
      `${showable(folder)} needs ${missing} MiB more free space for this file; make room, or choose another folder`,
    )
  } catch (error) {
    return storageRefusal(error, folder)
  }
}
