// How far the projection has applied the log, and applying more of it: entries, the applied sequence and the ids of handled
// requests in one transaction, so that the file is always the state after exactly `applied`.

import type Database from 'better-sqlite3'
import { logTunables } from '../../config/tracker.ts'
import type { LogEntry } from '../wire/log-entry.ts'
import { createEventWriter } from './projection-events.ts'
import { positionsPerRecord } from './projection-tables.ts'

/** Which log a projection is of, and how far. `fingerprint` is that of the entry at `applied`, empty before the first. */
export interface ProjectionOrigin {
  readonly streamCreated: string
  readonly applied: number
  readonly fingerprint: string
}

export class ProjectionLog {
  readonly #applyAll: (entries: readonly LogEntry[], from: ProjectionOrigin) => ProjectionOrigin
  readonly #subject: Database.Statement
  readonly #handled: Database.Statement
  #origin: ProjectionOrigin

  /** Throws when the database does not say which log it is of. */
  constructor(db: Database.Database) {
    const origin = db.prepare('SELECT stream_created AS streamCreated, applied, fingerprint FROM origin').get()
    if (!origin) throw new Error('it does not say which log it is of')
    this.#origin = origin as ProjectionOrigin
    this.#applyAll = applierOf(db)
    this.#subject = db.prepare('SELECT last_seq FROM subjects WHERE subject = ?').pluck()
    this.#handled = db.prepare('SELECT seq FROM handled WHERE id = ?').pluck()
  }

  get origin(): ProjectionOrigin {
    return this.#origin
  }

  /** All or none. Throws a RangeError for an entry that is not later than the one before. */
  apply(entries: readonly LogEntry[]): void {
    if (entries.length > 0) this.#origin = this.#applyAll(entries, this.#origin)
  }

  lastSequence(subject: string): number {
    return (this.#subject.get(subject) as number | undefined) ?? 0
  }

  handledAt(id: string): number | undefined {
    return this.#handled.get(id) as number | undefined
  }
}

function applierOf(db: Database.Database) {
  const writeOrigin = db.prepare('UPDATE origin SET applied = ?, fingerprint = ?')
  const writeSubject = db.prepare('INSERT OR REPLACE INTO subjects VALUES (?, ?)')
  const writeHandled = db.prepare('INSERT OR REPLACE INTO handled VALUES (?, ?)')
  const forgetHandled = db.prepare('DELETE FROM handled WHERE seq <= ?')
  const writeUnreadable = db.prepare('INSERT INTO unreadable VALUES (?)')
  const writeEvent = createEventWriter(db)

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
  return db.transaction((entries: readonly LogEntry[], from: ProjectionOrigin): ProjectionOrigin => {
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
}
