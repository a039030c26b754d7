// The agent's library: shares, downloads and their progress, limits, log epochs. One file for each of these, over one
// connection. A single process holds it at a time, so two agents cannot run on one home. Every function is one transaction
// and survives a kill of the process. (A power cut may lose the last moments; the agent checks part files again when it
// starts.)

import { LibraryConnection } from './library-connection.ts'
import { createLibraryDownloads, type LibraryDownloads } from './library-downloads.ts'
import { createLibraryLimits, type LibraryLimits } from './library-limits.ts'
import { createLibraryLogEpochs, type LibraryLogEpochs } from './library-log-epochs.ts'
import { LibraryManifests } from './library-manifests.ts'
import { createLibraryProgress, type LibraryProgress } from './library-progress.ts'
import { createLibraryShares, type LibraryShares } from './library-shares.ts'

export interface Library extends LibraryShares, LibraryDownloads, LibraryProgress, LibraryLimits, LibraryLogEpochs {
  close(): void
}

/**
 * Throws LibraryInUse when another agent still has it after `patienceMs`, or LibraryUnusable when the file is damaged or
 * not a library. Its functions throw LibraryFailed when the disk fails or is full.
 */
export function openLibrary(file: string, { patienceMs = 0 } = {}): Library {
  const connection = new LibraryConnection(file, patienceMs)
  const manifests = new LibraryManifests(connection)
  return {
    ...createLibraryShares(connection, manifests),
    ...createLibraryDownloads(connection, manifests),
    ...createLibraryProgress(connection),
    ...createLibraryLimits(connection),
    ...createLibraryLogEpochs(connection),
    close: () => connection.close(),
  }
}
