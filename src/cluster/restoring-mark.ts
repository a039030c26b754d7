// A file that is there while a cluster is being restored, and stays when that is broken off: half a log must not be
// taken for a cluster, or trackers would tell people that their accounts are gone.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ClusterFailure } from './cluster-failure.ts'

export const restoringMark = (folder: string): string => join(folder, 'restoring')

/** Throws ClusterFailure `other-cluster` while the cluster in that folder is only half restored. */
export function refuseHalfRestored(folder: string): void {
  if (!existsSync(restoringMark(folder))) return
  throw new ClusterFailure(
    'other-cluster',
    `the cluster in ${folder} was being restored and is not whole: run shoal cluster down, remove the folder, and restore again`,
  )
}
