// A file that exists while a cluster is being restored, and stays if the restore is interrupted. Trackers never start with
// half a log, or they would tell people that their accounts are gone.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ClusterFailure } from './cluster-failure.ts'

export const restoringMark = (folder: string): string => join(folder, 'restoring')

/** Throws ClusterFailure `other-cluster` while the cluster in that folder is only half restored. */
export function refuseHalfRestored(folder: string): void {
  if (!existsSync(restoringMark(folder))) return
  throw new ClusterFailure(
    'other-cluster',
    `the restore of the cluster in ${folder} was interrupted; run shoal cluster down, remove the folder, and restore again`,
  )
}
