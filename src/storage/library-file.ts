// Opens the library's database, and checks that no other process has it, that it is sound, and which version it has. A file
// that is damaged, not a library, or from a later version is left exactly as it is.

import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import Database from 'better-sqlite3'
import { showable } from '../domain/names.ts'
import { again } from './interruption.ts'

/** Another agent process has this home's library open. */
export class LibraryInUse extends Error {
  override readonly name = 'LibraryInUse'
  readonly code = 'library-in-use'
}

/** The file is damaged, not a library, or from a later version. */
export class LibraryUnusable extends Error {
  override readonly name = 'LibraryUnusable'
  readonly code = 'library-unusable'
}

/** A sound library could not be written or read: the disk is full (`no-space`) or failed. */
export class LibraryFailed extends Error {
  override readonly name = 'LibraryFailed'
  readonly code: 'library-failed' | 'no-space'
  constructor(message: string, options: ErrorOptions & { readonly isFull?: boolean } = {}) {
    super(message, options)
    this.code = options.isFull === true ? 'no-space' : 'library-failed'
  }
}

/** "Shl" and a format number: tells a library from any other SQLite database. */
const applicationId = 0x53686c01

/** Migration i turns a library of version i (SQLite's user_version) into version i + 1. Never edited, only added to. */
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
  `
  -- What is asked for beside a share's name: whether a manifest is still in use, the shares of a file on the disk, and the
  -- few shares that are not simply on offer. Without these, each change of one share would read all of them.
  CREATE INDEX shares_of_manifest ON shares (share);
  CREATE INDEX shares_at ON shares (user, path);
  CREATE INDEX shares_unsettled ON shares (user, state, group_name, name) WHERE state != 'sharing';
  CREATE INDEX downloads_of_manifest ON downloads (share);
  CREATE INDEX downloads_unfinished ON downloads (user, id) WHERE state NOT IN ('completed', 'cancelled');
  `,
]

/**
 * Opens the file, or makes it (mode 600), and holds it until it is closed. Waits up to `patienceMs` (blocking: keep it
 * short) for a process that only checks whether it is held. Throws LibraryInUse or LibraryUnusable.
 */
export function openLibraryFile(file: string, patienceMs: number): Database.Database {
  // Made before SQLite does it, for the mode. An existing file is never opened here: closing any handle of a file releases
  // all of the process's POSIX locks on it, SQLite's included.
  if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600))
  let database: Database.Database | undefined
  try {
    database = new Database(file, { timeout: patienceMs })
    // Before anything is read, so that SQLite needs no shared memory: only this process has the file.
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

/** The library's version; 0 for a new, empty file. */
function checkFile(database: Database.Database, file: string): number {
  const number = (pragma: string) => database.pragma(pragma, { simple: true }) as number
  const version = number('user_version')
  const isEmpty = database.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() === 0
  if (isEmpty && version === 0) return 0
  if (number('application_id') !== applicationId)
    throw new LibraryUnusable(`${showable(file)} is not a Shoal library; move it away`)
  if (version > migrations.length)
    throw new LibraryUnusable(`${showable(file)} is from a later version of Shoal; use that version`)
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

/** SQLite's errors become LibraryInUse or LibraryFailed; any other error is returned as it is. */
export function translateSqliteError(error: unknown, file: string): unknown {
  if (!(error instanceof Database.SqliteError)) return error
  if (error.code.startsWith('SQLITE_BUSY'))
    return new LibraryInUse(`another agent is using this home: ${showable(file)} is locked`, { cause: error })
  if (error.code.startsWith('SQLITE_FULL'))
    return new LibraryFailed(`no space left to write ${showable(file)}; make room, then try again`, {
      cause: error,
      isFull: true,
    })
  // Even when SQLite calls it corrupt: it says so when the disk cannot read, and the file was sound when it was opened.
  const why = isCorrupt(error) ? '' : ` (${error.message})`
  return new LibraryFailed(`${showable(file)} cannot be read or written${why}; check its disk, then try again`, {
    cause: error,
  })
}

const isCorrupt = (error: unknown) =>
  error instanceof Database.SqliteError && /^SQLITE_(NOTADB|CORRUPT)/.test(error.code)

/** Only call it while SQLite does not hold the file: closing any handle of a file releases its locks. */
function canBeRead(file: string): boolean {
  try {
    again(() => readFileSync(file))
    return true
  } catch {
    return false
  }
}
