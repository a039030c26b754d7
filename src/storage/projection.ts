// A tracker's own copy of what the log says, in SQLite. An entry and the applied sequence are written in one
// transaction, so the file always is the state after exactly `applied`; equal `applied` means equal `digest()`.
// Nothing is ever written here that did not come from the log.

import { createHash } from 'node:crypto'
import { closeSync, existsSync, openSync, rmSync } from 'node:fs'
import Database from 'better-sqlite3'
import { logTunables } from '../../config/tracker.ts'
import type { Account } from '../domain/account.ts'
import { deviceKey } from '../domain/device-ref.ts'
import type { Group, Share } from '../domain/group.ts'
import type { Manifest } from '../domain/manifest.ts'
import type { LogEntry } from '../wire/log-entry.ts'
import { createEventWriter } from './projection-events.ts'
import { createProjectionQueries, type ProjectionQueries } from './projection-queries.ts'
import { digestQueries, positionsPerRecord, projectionTables, projectionVersion } from './projection-tables.ts'

/** The file is no projection of this version, or damaged: throw it away and make it again from the log. */
export class ProjectionUnusable extends Error {
  override readonly name = 'ProjectionUnusable'
  readonly code = 'projection-unusable'
}

/** Which log a projection is of, and how far. `fingerprint` is that of the entry at `applied`, empty before the first. */
export interface ProjectionOrigin {
  readonly streamCreated: string
  readonly applied: number
  readonly fingerprint: string
}

export interface Projection extends ProjectionQueries {
  readonly origin: ProjectionOrigin
  /** Sequence of the last applied entry; 0 before the first. */
  readonly applied: number
  /** Applies entries in order, all or none. Throws a RangeError for one that is not later than `applied`. */
  apply(entries: readonly LogEntry[]): void
  /** SHA-256 over all replicated state, 64 hex digits. */
  digest(): string
  account(user: string): Account
  /** Manifests are read when they are looked at: use it before anything else is applied. */
  group(name: string): Group
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
    db.prepare(`INSERT INTO origin VALUES (1, ?, 0, '')`).run(streamCreated)
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
  const readOrigin = db.prepare('SELECT stream_created AS streamCreated, applied, fingerprint FROM origin')
  const writeOrigin = db.prepare('UPDATE origin SET applied = ?, fingerprint = ?')
  const writeSubject = db.prepare('INSERT OR REPLACE INTO subjects VALUES (?, ?)')
  const writeHandled = db.prepare('INSERT OR REPLACE INTO handled VALUES (?, ?)')
  const forgetHandled = db.prepare('DELETE FROM handled WHERE seq <= ?')
  const writeUnreadable = db.prepare('INSERT INTO unreadable VALUES (?)')
  const readSubject = db.prepare('SELECT last_seq FROM subjects WHERE subject = ?').pluck()
  const readHandled = db.prepare('SELECT seq FROM handled WHERE id = ?').pluck()
  const readAccount = db.prepare('SELECT password_hash FROM accounts WHERE user = ?').pluck()
  const readDevices = db.prepare('SELECT device, credential_hash FROM devices WHERE user = ? ORDER BY position').raw()
  const readOwner = db.prepare('SELECT owner FROM groups WHERE name = ?').pluck()
  const readMembers = db.prepare('SELECT user, since FROM members WHERE group_name = ? ORDER BY position').raw()
  const readRequests = db.prepare('SELECT user, since FROM requests WHERE group_name = ? ORDER BY position').raw()
  const readShares = db.prepare('SELECT file_name, id FROM shares WHERE group_name = ? ORDER BY position').raw()
  const readManifest = db.prepare('SELECT manifest FROM shares WHERE group_name = ? AND file_name = ?').pluck()
  const readSharers = db
    .prepare('SELECT file_name, user, device FROM sharers WHERE group_name = ? ORDER BY position')
    .raw()
  const writeEvent = createEventWriter(db)

  let origin = readOrigin.get() as ProjectionOrigin | undefined
  if (!origin) throw new Error('it does not say which log it is of')

  const applyOne = ({ seq, subject, record }: LogEntry) => {
    writeSubject.run(subject, seq)
    if (!record) {
      writeUnreadable.run(seq)
      return
    }
    writeHandled.run(record.id, seq)
    record.events.forEach((event, index) => {
      writeEvent(event, seq * positionsPerRecord + index)
    })
  }
  const applyAll = db.transaction((entries: readonly LogEntry[], from: ProjectionOrigin): ProjectionOrigin => {
    let { applied, fingerprint } = from
    for (const entry of entries) {
      if (entry.seq <= applied) throw new RangeError(`entry ${entry.seq} is not later than ${applied}`)
      applyOne(entry)
      ;({ seq: applied, fingerprint } = entry)
    }
    // By the sequence alone: however the entries were batched, the same ids are remembered.
    forgetHandled.run(applied - logTunables.rememberedRequests)
    writeOrigin.run(applied, fingerprint)
    return { ...from, applied, fingerprint }
  })

  const share = (group: string, name: string, id: string, sharers: ReadonlySet<string>): Share => {
    let manifest: Manifest | undefined
    return {
      id,
      sharers,
      get manifest() {
        manifest ??= JSON.parse(readManifest.get(group, name) as string) as Manifest
        return manifest
      },
    }
  }

  return {
    ...createProjectionQueries(db),
    get origin() {
      return origin as ProjectionOrigin
    },
    get applied() {
      return this.origin.applied
    },
    apply(entries) {
      if (entries.length > 0) origin = applyAll(entries, this.origin)
    },
    digest() {
      const hash = createHash('sha256').update(`${projectionVersion}\n${this.applied}\n`)
      for (const query of digestQueries) {
        for (const row of db.prepare(query).raw().iterate()) hash.update(JSON.stringify(row)).update('\n')
        hash.update('\n')
      }
      return hash.digest('hex')
    },
    account(user) {
      const passwordHash = readAccount.get(user) as string | undefined
      if (passwordHash === undefined) return { user: undefined, passwordHash: '', devices: new Map() }
      const devices = (readDevices.all(user) as [string, string][]).map(
        ([device, credentialHash]) => [device, { credentialHash }] as const,
      )
      return { user, passwordHash, devices: new Map(devices) }
    },
    group(name) {
      const owner = readOwner.get(name) as string | undefined
      const sharers = Map.groupBy(readSharers.all(name) as [string, string, string][], ([file]) => file)
      const shares = (readShares.all(name) as [string, string][]).map(([file, id]) => {
        const keys = sharers.get(file)?.map(([, user, device]) => deviceKey({ user, device }))
        return [file, share(name, file, id, new Set(keys))] as const
      })
      return {
        group: owner === undefined ? undefined : name,
        owner: owner ?? '',
        members: new Map(readMembers.all(name) as [string, number][]),
        requests: new Map(readRequests.all(name) as [string, number][]),
        shares: new Map(shares),
      }
    },
    lastSequence: subject => (readSubject.get(subject) as number | undefined) ?? 0,
    handledAt: id => readHandled.get(id) as number | undefined,
    close: () => db.close(),
  }
}
