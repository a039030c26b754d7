// The file a download grows in, `NAME.part`: written piece by piece in any order, readable by its owner alone, never
// reached through a symbolic link. It gets its final name only when it is whole, in one step, and a file that exists
// under that name is never replaced unless that was asked for. Whether bytes are right is not its business.

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

/** Bytes that were written are not there: somebody else shortened the file, or the disk fails. */
export class PieceFileDamaged extends Error {
  override readonly name = 'PieceFileDamaged'
  readonly code = 'integrity'
}

export interface PieceFile {
  readonly path: string
  /** Data of one piece from `offset` within it on. Refuses with `no-space` or `destination-unwritable`. */
  write(piece: number, offset: number, data: Uint8Array): Promise<Outcome<void>>
  /** Fills the buffers from there on. Throws PieceFileDamaged, or the file system's error. */
  read(piece: number, offset: number, into: readonly Buffer[]): Promise<void>
  /** What was written is on the disk, power loss or not. */
  sync(): Promise<Outcome<void>>
  /**
   * Gives the file its name and the disk time to hold it; reading goes on. The value is the fingerprint it has now.
   * Refuses with `destination-exists` and leaves everything as it was when there is something and not `overwrite`.
   * May be repeated after a kill half-way.
   */
  finish(finalPath: string, options: { readonly overwrite: boolean }): Promise<Outcome<Fingerprint>>
  /** False when the file has lost its name: it, or its folder, was removed or replaced under our hands. */
  isInPlace(): Promise<boolean>
  /** Removes the part file (not one that has got its final name) and closes it. */
  discard(): Promise<void>
  close(): Promise<void>
}

/**
 * Opens the part file, exactly as long as the manifest says. `fresh` refuses with `destination-exists` when there is
 * one already; `replace` removes that one first; `resume` goes on with it, and makes it when it is gone.
 */
export async function openPieceFile(
  path: string,
  manifest: Pick<Manifest, 'size' | 'pieceLength'>,
  how: 'fresh' | 'replace' | 'resume',
): Promise<Outcome<PieceFile>> {
  let file: FileHandle | undefined
  try {
    if (how === 'replace') await unlink(path).catch(ignoring('ENOENT'))
    const exclusive = how === 'resume' ? 0 : constants.O_EXCL
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | exclusive
    file = await open(path, flags, 0o600)
    if ((await file.stat()).isFile()) {
      await file.truncate(manifest.size)
      return done(createPieceFile(path, file, manifest))
    }
    await file.close()
    return refuse('destination-unwritable', `${showable(path)} is there and not a regular file; remove it`)
  } catch (error) {
    await file?.close()
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      return refuse('destination-exists', `${showable(path)} exists: another download's, or left over; remove it`)
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

    sync: () => attempt(() => file.datasync()),

    async finish(finalPath, { overwrite }) {
      try {
        await file.sync()
        // A kill between giving the new name and taking the old one leaves both.
        if (await isOurs(finalPath)) await unlink(path).catch(ignoring('ENOENT'))
        else if (!(await isOurs(path))) return refuse('integrity', `${showable(path)} was replaced by another file`)
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

/** Fails with EEXIST when there is anything under the new name, also when it came there this moment. */
async function renameToFree(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    const isUnsupported = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(codeOf(error))
    if (!isUnsupported) throw error
    // No hard links on this file system: take the name with a file that nobody else can have made, then fill it.
    claimName(to)
    try {
      return await rename(from, to)
    } catch (error) {
      // A claim that stays is known as one.
      await unlink(to).catch(() => {})
      throw error
    }
  }
  await unlink(from)
}

/** What a claim holds. By this, and not by its inode: file systems without hard links number theirs anew when mounted. */
export const claim = 'Shoal was about to put a file here, and was stopped. This one can be removed.\n'

/** Both at once, nothing of ours between: a kill between the two leaves an empty file, which may be anybody's. */
function claimName(path: string): void {
  const file = openSync(path, 'wx', 0o600)
  try {
    writeFileSync(file, claim)
  } catch {
    // A full disk has no room for it, and needs none for the renaming.
  } finally {
    closeSync(file)
  }
}

/** Whether this regular file only holds its name for one that never got there, for its agent was killed. */
export async function isClaim(path: string): Promise<boolean> {
  const { size } = await lstat(path)
  return size === claim.length && (await againLater(() => readFile(path, 'utf8'))) === claim
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    // Some file systems cannot, and keep names safe in their own way.
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
