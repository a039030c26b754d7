// Opening the library's database: who holds it, which version it has, whether it is sound.
// A file that is none of ours, damaged, or of a later version is left exactly as it is.

import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import Database from 'better-sqlite3'
import { showable } from '../domain/names.ts'
import { again } from './interruption.ts'

/** Another process, an agent, has this home's library open. */
export class LibraryInUse extends Error {
  override readonly name = 'LibraryInUse'
  readonly code = 'library-in-use'
}

/** The file is damaged, no library, or a later version's. */
export class LibraryUnusable extends Error {
  override readonly name = 'LibraryUnusable'
  readonly code = 'library-unusable'
}

/** The library was sound and could not be written or read: a disk that is full (`no-space`), or that fails. */
export class LibraryFailed extends Error {
  override readonly name = 'LibraryFailed'
  readonly code: 'library-failed' | 'no-space'
  constructor(message: string, options: ErrorOptions & { readonly isFull?: boolean } = {}) {
    super(message, options)
    this.code = options.isFull === true ? 'no-space' : 'library-failed'
  }
}

/** "Shl" and a format number: tells our file from any other SQLite database. */
const applicationId = 0x53686c01

/** What turns a library of version i (SQLite's user_version) into one of version i + 1. Never edited, only added to. */
const migrations = [
  `
  -- Kept apart from what changes with every piece: a manifest has up to 128 KiB.
  CREATE TABLE manifests (share TEXT PRIMARY KEY, manifest TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE shares (
    user TEXT NOT NULL,
    group_name TEXT NOT NULL,
    name TEXT NOT NULL,
    share TEXT NOT NULL REFERENCES manifests,
    path TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (user, group_name, name)
  ) WITHOUT ROWID;
  CREATE TABLE downloads (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user TEXT NOT NULL,
    group_name TEXT NOT NULL,
    name TEXT NOT NULL,
    share TEXT REFERENCES manifests,
    destination TEXT NOT NULL,
    part TEXT NOT NULL,
    overwrite INTEGER NOT NULL,
    state TEXT NOT NULL,
    error TEXT,
    seconds REAL NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    finished_at INTEGER
  );
  CREATE INDEX downloads_of ON downloads (user, id);
  CREATE TABLE progress (
    download INTEGER PRIMARY KEY REFERENCES downloads,
    -- Absent until the download is located.
    pieces INTEGER,
    verified BLOB,
    fetched_bytes INTEGER NOT NULL DEFAULT 0
  );
  CREATE TABLE deliveries (
    download INTEGER NOT NULL REFERENCES downloads,
    user TEXT NOT NULL,
    device TEXT NOT NULL,
    via TEXT NOT NULL,
    pieces INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (download, user, device, via)
  ) WITHOUT ROWID;
  `,
  `
  -- The device's, whoever is logged in. Those that are not set are absent.
  CREATE TABLE limits (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
  `,
  `
  -- The log that the shares last agreed with, of each log-in.
  CREATE TABLE logs (login TEXT PRIMARY KEY, epoch INTEGER NOT NULL) WITHOUT ROWID;
  `,
  `
  -- Whether the part file is the download's own. Whoever fetched anything had made it.
  ALTER TABLE downloads ADD COLUMN made_part INTEGER NOT NULL DEFAULT 0;
  UPDATE downloads SET made_part = 1 WHERE id IN (SELECT download FROM progress WHERE fetched_bytes > 0);
  `,
]

/**
 * Holds the file, made (mode 600) when there is none, until it is closed. Waits up to `patienceMs` (blocking: keep it
 * short) for somebody who only looked whether it is held. Throws LibraryInUse or LibraryUnusable.
 */
export function openLibraryFile(file: string, patienceMs: number): Database.Database {
  // Made before SQLite would, for its mode. Never opened by us when it is there: closing any handle of a file gives
  // up the whole process's locks on it (POSIX), the ones that SQLite holds too.
  if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600))
  let database: Database.Database | undefined
  try {
    database = new Database(file, { timeout: patienceMs })
    // Before anything is read, so that not even SQLite's shared memory is needed: this process alone.
    database.pragma('locking_mode = EXCLUSIVE')
    database.exec('BEGIN EXCLUSIVE; COMMIT')
    const version = checkFile(database, file)
    database.pragma('journal_mode = WAL')
    database.pragma('synchronous = NORMAL')
    database.pragma('foreign_keys = ON')
    migrate(database, version)
    return database
  } catch (cause) {
    database?.close()
    throw isCorrupt(cause) && canBeRead(file) ? damaged(file, cause) : translateSqliteError(cause, file)
  }
}

/** The version of the library in it; 0 for a new, empty file. */
function checkFile(database: Database.Database, file: string): number {
  const number = (pragma: string) => database.pragma(pragma, { simple: true }) as number
  const version = number('user_version')
  const isEmpty = database.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() === 0
  if (isEmpty && version === 0) return 0
  if (number('application_id') !== applicationId) throw new LibraryUnusable(`${showable(file)} is not Shoal's library`)
  if (version > migrations.length)
    throw new LibraryUnusable(`${showable(file)} was made by a later version of Shoal; use that one`)
  const soundness = database.pragma('quick_check(1)', { simple: true })
  if (soundness !== 'ok') throw damaged(file, new Error(String(soundness)))
  return version
}

function migrate(database: Database.Database, from: number): void {
  database.transaction(() => {
    database.pragma(`application_id = ${applicationId}`)
    for (const migration of migrations.slice(from)) database.exec(migration)
    database.pragma(`user_version = ${migrations.length}`)
  })()
}

const damaged = (file: string, cause: unknown) =>
  new LibraryUnusable(
    `${showable(file)} is damaged; move it away and share your files again (part files are kept where they are)`,
    { cause },
  )

/** SQLite's errors in our words; any other error as it is. */
export function translateSqliteError(error: unknown, file: string): unknown {
  if (!(error instanceof Database.SqliteError)) return error
  if (error.code.startsWith('SQLITE_BUSY'))
    return new LibraryInUse(`another agent runs on this home: ${showable(file)} is in use`, { cause: error })
  if (error.code.startsWith('SQLITE_FULL'))
    return new LibraryFailed(`no space left to write ${showable(file)}; make room, then try again`, {
      cause: error,
      isFull: true,
    })
  // Also when SQLite calls it corrupt: that is its word for a disk that cannot read, and it was sound when it was opened.
  const why = isCorrupt(error) ? '' : ` (${error.message})`
  return new LibraryFailed(`${showable(file)} cannot be read or written${why}: look after its disk, then try again`, {
    cause: error,
  })
}

const isCorrupt = (error: unknown) =>
  error instanceof Database.SqliteError && /^SQLITE_(NOTADB|CORRUPT)/.test(error.code)

/** Only while SQLite does not hold it: closing any handle of a file gives up its locks. */
function canBeRead(file: string): boolean {
  try {
    again(() => readFileSync(file))
    return true
  } catch {
    return false
  }
}
