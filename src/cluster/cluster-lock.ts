// The lock on a cluster's folder. Only one command at a time changes a cluster: two that start the same broker would lose
// track of one process. SQLite locks a file, so the lock ends with its process in every case.

import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { processTunables } from '../../config/cluster.ts'
import { ClusterFailure } from './cluster-failure.ts'

/** SQLite may keep further files beside it whose names begin with this one. */
export const clusterLockFile = 'turn.db'

/** Waits for the lock, then runs `act`. Throws ClusterFailure `not-ready` when another command holds the lock for too long. */
export async function withClusterLock<T>(folder: string, act: () => Promise<T>): Promise<T> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, clusterLockFile)
  // SQLite would create it readable for all users.
  if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600))
  const lock = new Database(file, { timeout: 0 })
  try {
    const deadline = Date.now() + processTunables.startTimeoutMs
    while (!canLock(lock)) {
      if (Date.now() > deadline)
        throw new ClusterFailure(
          'not-ready',
          `another shoal command is changing the cluster in ${folder}; try again when it is done`,
        )
      await sleep(processTunables.lookEveryMs)
    }
    return await act()
  } finally {
    lock.close()
  }
}

function canLock(lock: Database.Database): boolean {
  try {
    lock.exec('BEGIN EXCLUSIVE')
    return true
  } catch (error) {
    if (error instanceof Database.SqliteError && error.code === 'SQLITE_BUSY') return false
    throw error
  }
}
