// The part file that belongs to a download. The library records that a download makes it before it does, so what another
// program put under that name is never opened, filled or removed.

import { lstat, unlink } from 'node:fs/promises'
import { showable } from '../../domain/names.ts'
import { done, type Outcome, type Refusal, refuse } from '../../domain/refusal.ts'
import type { DownloadRecord, LibraryDownloads } from '../../storage/library-downloads.ts'
import { isClaim, openPieceFile, type PieceFile } from '../../storage/piece-file.ts'
import { storageRefusal } from '../../storage/storage-refusal.ts'

const notOurs = ({ id, part }: DownloadRecord): Refusal =>
  refuse(
    'destination-exists',
    `${showable(part)} exists, and this download did not make it; move it away, then shoal resume ${id}`,
  )

/** Makes the part file, or goes on with the one that this download made. Throws LibraryFailed. */
export async function openOwnPartFile(
  library: Pick<LibraryDownloads, 'changeDownload'>,
  record: DownloadRecord,
): Promise<Outcome<PieceFile>> {
  const { id, part, manifest, madePart } = record
  if (madePart) return openPieceFile(part, manifest, 'resume')
  if (await lstat(part).catch(() => undefined)) return notOurs(record)
  // A kill after this line leaves no part file; the next run then makes it.
  library.changeDownload(id, { madePart: true })
  const made = await openPieceFile(part, manifest, 'fresh')
  if (made.ok || made.code !== 'destination-exists') return made
  library.changeDownload(id, { madePart: false })
  return notOurs(record)
}

/** True when there was one. Rejects with the file system's error. */
export async function removeOwnPartFile({ part, madePart }: DownloadRecord): Promise<boolean> {
  if (!madePart || !(await lstat(part).catch(() => undefined))?.isFile()) return false
  await unlink(part)
  return true
}

/** Removes what an inactive download has on the disk: its part file, and the placeholder that a kill may have left. */
export async function discardFiles(record: DownloadRecord): Promise<Outcome<void>> {
  const { destination, part } = record
  if (await isClaim(destination).catch(() => false)) await unlink(destination).catch(() => {})
  try {
    await removeOwnPartFile(record)
    return done(undefined)
  } catch (error) {
    return storageRefusal(error, part)
  }
}
