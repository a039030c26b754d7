// A download's part file, `NAME.part`: written piece by piece in any order, never reached through a symbolic link. It has the
// mode that the umask of its agent gives, as any file that this person makes. It gets its final name in one step once it is
// whole, and replaces a file of that name only if told to. It does not check the bytes.

import { closeSync, constants, openSync, writeFileSync } from 'node:fs'
import { type FileHandle, link, lstat, open, readFile, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Manifest, pieceSize } from '../domain/manifest.ts'
import { showable } from '../domain/names.ts'
import { done, type Outcome, refuse } from '../domain/refusal.ts'
import { type Fingerprint, fingerprintOf } from './fingerprint.ts'
import { againLater } from './interruption.ts'
import { readFully, totalBytes } from './read-fully.ts'
import { storageRefusal } from './storage-refusal.ts'

/** Bytes that were written are missing: another program shortened the file, or the disk failed. */
export class PieceFileDamaged extends Error {
  override readonly name = 'PieceFileDamaged'
  readonly code = 'integrity'
}

export interface PieceFile {
  readonly path: string
  /** Writes data of one piece, from `offset` within it on. Refuses with `no-space` or `destination-unwritable`. */
  write(piece: number, offset: number, data: Uint8Array): Promise<Outcome<void>>
  /** Fills the buffers from there on. Rejects with PieceFileDamaged, or the file system's error. */
  read(piece: number, offset: number, into: readonly Buffer[]): Promise<void>
  /**
   * Syncs the file and gives it its name. It can still be read afterwards. The value is its fingerprint.
   * Refuses with `destination-exists`, and changes nothing, when the name is taken and `overwrite` is false.
   * May be repeated after a kill halfway.
   */
  finish(finalPath: string, options: { readonly overwrite: boolean }): Promise<Outcome<Fingerprint>>
  /** False when another program removed or replaced the file or its folder. */
  isInPlace(): Promise<boolean>
  /** Closes the file, and removes it unless it has its final name. */
  discard(): Promise<void>
  close(): Promise<void>
}

/**
 * Opens the part file, exactly as long as the manifest says. `fresh` refuses with `destination-exists` when there is
 * one already; `resume` continues with it, or makes it when it is gone.
 */
export async function openPieceFile(
  path: string,
  manifest: Pick<Manifest, 'size' | 'pieceLength'>,
  how: 'fresh' | 'resume',
): Promise<Outcome<PieceFile>> {
  let file: FileHandle | undefined
  try {
    const exclusive = how === 'resume' ? 0 : constants.O_EXCL
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | exclusive
    file = await open(path, flags)
    if ((await file.stat()).isFile()) {
      await file.truncate(manifest.size)
      return done(createPieceFile(path, file, manifest))
    }
    await file.close()
    return refuse('destination-unwritable', `${showable(path)} is not a regular file; remove it`)
  } catch (error) {
    await file?.close()
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      return refuse('destination-exists', `${showable(path)} exists already; remove it or move it away`)
    return storageRefusal(error, path)
  }
}

function createPieceFile(path: string, file: FileHandle, manifest: Pick<Manifest, 'size' | 'pieceLength'>): PieceFile {
  const position = (piece: number, offset: number, length: number) => {
    const isPiece = Number.isInteger(piece) && piece >= 0
    if (!isPiece || offset < 0 || length < 0 || offset + length > pieceSize(manifest, piece))
      throw new RangeError(`bug: bytes ${offset} to ${offset + length} lie outside of piece ${piece}`)
    return piece * manifest.pieceLength + offset
  }
  const attempt = async (action: () => Promise<void>): Promise<Outcome<void>> => {
    try {
      return done(await action())
    } catch (error) {
      return storageRefusal(error, path)
    }
  }
  const isOurs = async (candidate: string): Promise<boolean> => {
    const ours = await file.stat({ bigint: true })
    const theirs = await lstat(candidate, { bigint: true }).catch(ignoring('ENOENT'))
    return theirs !== undefined && theirs.ino === ours.ino && theirs.dev === ours.dev
  }

  return {
    path,
    async write(piece, offset, data) {
      const start = position(piece, offset, data.length)
      return attempt(async () => {
        let written = 0
        while (written < data.length)
          written += (await file.write(data, written, data.length - written, start + written)).bytesWritten
      })
    },

    async read(piece, offset, into) {
      const length = totalBytes(into)
      if ((await readFully(file, into, position(piece, offset, length))) < length)
        throw new PieceFileDamaged(`${showable(path)} is shorter than it was`)
    },

    async finish(finalPath, { overwrite }) {
      try {
        await file.sync()
        // A kill between adding the new name and removing the old one leaves both.
        if (await isOurs(finalPath)) await unlink(path).catch(ignoring('ENOENT'))
        else if (!(await isOurs(path)))
          return refuse('integrity', `${showable(path)} was replaced by another file; download it again`)
        else if (overwrite) await rename(path, finalPath)
        else await renameToFree(path, finalPath)
        await syncFolder(dirname(finalPath))
        return done(fingerprintOf(await file.stat({ bigint: true })))
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        if (code === 'EEXIST' || code === 'EISDIR')
          return refuse(
            'destination-exists',
            `${showable(finalPath)} exists already; choose another name or move it away`,
          )
        return storageRefusal(error, finalPath)
      }
    },

    isInPlace: () => isOurs(path),

    async discard() {
      if (await isOurs(path)) await unlink(path)
      await file.close()
    },
    close: () => file.close(),
  }
}

/** Rejects with EEXIST when the new name is taken, even if only since this moment. */
async function renameToFree(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    const isUnsupported = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(codeOf(error))
    if (!isUnsupported) throw error
    // No hard links on this file system: claim the name with a placeholder of ours, then replace that.
    claimName(to)
    try {
      return await rename(from, to)
    } catch (error) {
      // If the placeholder stays, its content identifies it.
      await unlink(to).catch(() => {})
      throw error
    }
  }
  await unlink(from)
}

/** A placeholder's content. It is known by this, not by its inode: file systems without hard links renumber theirs at each mount. */
export const claim = 'Shoal was about to put a file here, and was stopped. This one can be removed.\n'

/** Synchronous, so that little comes between the two: a kill there leaves an empty file that no one can tell from another's. */
function claimName(path: string): void {
  const file = openSync(path, 'wx')
  try {
    writeFileSync(file, claim)
  } catch {
    // A full disk has no room for the content; renaming needs none.
  } finally {
    closeSync(file)
  }
}

/** Whether this regular file is a placeholder whose agent was killed before it could rename the part file. */
export async function isClaim(path: string): Promise<boolean> {
  const { size } = await lstat(path)
  return size === claim.length && (await againLater(() => readFile(path, 'utf8'))) === claim
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    // Some file systems cannot sync a folder, and keep names safe in their own way.
    await handle.sync().catch(ignoring('EINVAL'))
  } finally {
    await handle.close()
  }
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? ''

const ignoring =
  (code: string) =>
  (error: unknown): undefined => {
    if (codeOf(error) !== code) throw error
  }
