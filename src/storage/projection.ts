// A tracker's own copy of what the log says, in SQLite. The file is always the state after exactly `applied` entries;
// equal `applied` means equal `digest()`. Nothing is written here that did not come from the log.

import { closeSync, existsSync, openSync, rmSync } from 'node:fs'
import Database from 'better-sqlite3'
import type { LogEntry } from '../wire/log-entry.ts'
import { createProjectionAggregates, type ProjectionAggregates } from './projection-aggregates.ts'
import { ProjectionLog, type ProjectionOrigin } from './projection-log.ts'
import { createProjectionQueries, type ProjectionQueries } from './projection-queries.ts'
import { projectionTables, projectionVersion } from './projection-tables.ts'
import { sumAllRows } from './row-sum.ts'

/** The file is no projection of this version, or damaged: throw it away and make it again from the log. */
export class ProjectionUnusable extends Error {
  override readonly name = 'ProjectionUnusable'
  readonly code = 'projection-unusable'
}

export interface Projection extends ProjectionQueries, ProjectionAggregates {
  readonly origin: ProjectionOrigin
  /** Sequence of the last applied entry; 0 before the first. */
  readonly applied: number
  /** Applies entries in order, all or none. Throws a RangeError for one that is not later than `applied`. */
  apply(entries: readonly LogEntry[]): void
  /** 64 hex digits that stand for all replicated state. Costs the same however much there is. */
  digest(): string
  /** Whether `digest()` stands for the rows that there are: reads them all. */
  hasTrueDigest(): boolean
  /** The last sequence on that subject; 0 when nothing was ever appended there. */
  lastSequence(subject: string): number
  /** Where in the log the request with that id was recorded. */
  handledAt(id: string): number | undefined
  close(): void
}

/** Deletes the projection's files, if there are any. */
export function removeProjection(file: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(file + suffix, { force: true })
}

/** SQLite's name for a database that has no file. */
export const inMemory = ':memory:'

function openDatabase(file: string): Database.Database {
  // Made before SQLite would, for its mode: there are hashes of passwords in it.
  if (file !== inMemory && !existsSync(file)) closeSync(openSync(file, 'a', 0o600))
  const db = new Database(file)
  try {
    // A transaction lost to a power cut is read from the log again, so a commit need not wait for the disk.
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = NORMAL')
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** Makes a new, empty projection of the stream that was created then. The file must not exist. */
export function createProjection(file: string, streamCreated: string): Projection {
  const db = openDatabase(file)
  db.transaction(() => {
    db.exec(projectionTables)
    db.prepare(`INSERT INTO origin VALUES (1, ?, 0, '', '', ?)`).run(streamCreated, String(sumAllRows(db)))
    db.pragma(`user_version = ${projectionVersion}`)
  })()
  return projectionOf(db)
}

/** Opens the projection in that file; undefined when there is no file. Throws ProjectionUnusable. */
export function openProjection(file: string): Projection | undefined {
  if (!existsSync(file)) return undefined
  let db: Database.Database | undefined
  try {
    db = openDatabase(file)
    const version = db.pragma('user_version', { simple: true })
    if (version !== projectionVersion) throw new Error(`it has version ${version}, not ${projectionVersion}`)
    const damage = db.pragma('quick_check(1)', { simple: true })
    if (damage !== 'ok') throw new Error(`it is damaged: ${damage}`)
    return projectionOf(db)
  } catch (cause) {
    db?.close()
    throw new ProjectionUnusable(`the projection ${file} cannot be used: ${(cause as Error).message}`, { cause })
  }
}

function projectionOf(db: Database.Database): Projection {
  const log = new ProjectionLog(db)
  return {
    ...createProjectionQueries(db),
    ...createProjectionAggregates(db),
    get origin() {
      return log.origin
    },
    get applied() {
      return log.origin.applied
    },
    apply: entries => log.apply(entries),
    digest: () => log.digest(),
    hasTrueDigest: () => log.hasTrueDigest(),
    lastSequence: subject => log.lastSequence(subject),
    handledAt: id => log.handledAt(id),
    close: () => db.close(),
  }
}
