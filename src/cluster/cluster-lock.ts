// One command at a time changes a cluster: two that started the same broker would lose track of one of the processes.
// The lock is SQLite's on a file, so it goes with the process that holds it, however that ends.

import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { processTunables } from '../../config/cluster.ts'
import { ClusterFailure } from './cluster-failure.ts'

/** Waits for its turn, then acts. Throws `not-ready` when another command holds the cluster for too long. */
export async function inTurn<T>(folder: string, act: () => Promise<T>): Promise<T> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, 'turn.db')
  // SQLite would make it for everybody to read.
  if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600))
  const lock = new Database(file, { timeout: 0 })
  try {
    const deadline = Date.now() + processTunables.startTimeoutMs
    while (!isOurs(lock)) {
      if (Date.now() > deadline)
        throw new ClusterFailure(
          'not-ready',
          `another shoal command is busy with the cluster in ${folder}; wait for it`,
        )
      await sleep(processTunables.lookEveryMs)
    }
    return await act()
  } finally {
    lock.close()
  }
}

function isOurs(lock: Database.Database): boolean {
  try {
    lock.exec('BEGIN EXCLUSIVE')
    return true
  } catch (error) {
    if (error instanceof Database.SqliteError && error.code === 'SQLITE_BUSY') return false
    throw error
  }
}
