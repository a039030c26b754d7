// How far the projection has applied the log, and applying more of it: entries, the applied sequence, the ids of handled
// requests and the digest in one transaction, so that the file is always the state after exactly `applied`.

import { hash } from 'node:crypto'
import type Database from 'better-sqlite3'
import { logTunables } from '../../config/tracker.ts'
import type { LogEntry } from '../wire/log-entry.ts'
import { createEventWriter } from './projection-events.ts'
import { positionsPerRecord, projectionVersion } from './projection-tables.ts'
import { RowSum, sumAllRows } from './row-sum.ts'

/** Which log a projection is of, and how far. `fingerprint` is that of the entry at `applied`, empty before the first. */
export interface ProjectionOrigin {
  readonly streamCreated: string
  readonly applied: number
  readonly fingerprint: string
}

interface Applied extends ProjectionOrigin {
  /** SHA-256 of the one before and of the latest entry, so of all entries; empty before the first. */
  readonly entryChain: string
  readonly rowSum: bigint
}

export class ProjectionLog {
  readonly #db: Database.Database
  readonly #applyAll: (entries: readonly LogEntry[], from: Applied) => Applied
  readonly #subject: Database.Statement
  readonly #handled: Database.Statement
  #state: Applied

  /** Throws when the database does not say which log it is of. */
  constructor(db: Database.Database) {
    const found = db
      .prepare(
        `SELECT stream_created AS streamCreated, applied, fingerprint, entry_chain AS entryChain, row_sum AS rowSum
          FROM origin`,
      )
      .get() as (Omit<Applied, 'rowSum'> & { rowSum: string }) | undefined
    if (!found) throw new Error('it does not say which log it is of')
    this.#state = { ...found, rowSum: BigInt(found.rowSum) }
    this.#db = db
    this.#applyAll = applierOf(db)
    this.#subject = db.prepare('SELECT last_seq FROM subjects WHERE subject = ?').pluck()
    this.#handled = db.prepare('SELECT seq FROM handled WHERE id = ?').pluck()
  }

  get origin(): ProjectionOrigin {
    const { streamCreated, applied, fingerprint } = this.#state
    return { streamCreated, applied, fingerprint }
  }

  /** All or none. Throws a RangeError for an entry that is not later than the one before. */
  apply(entries: readonly LogEntry[]): void {
    if (entries.length > 0) this.#state = this.#applyAll(entries, this.#state)
  }

  digest(): string {
    const { applied, entryChain, rowSum } = this.#state
    return hash('sha256', `${projectionVersion} ${applied} ${entryChain} ${rowSum}`)
  }

  hasTrueDigest(): boolean {
    return sumAllRows(this.#db) === this.#state.rowSum
  }

  lastSequence(subject: string): number {
    return (this.#subject.get(subject) as number | undefined) ?? 0
  }

  handledAt(id: string): number | undefined {
    return this.#handled.get(id) as number | undefined
  }
}

/** What a tracker makes of an entry, besides rows: two that differ in whether they can read it differ for good. */
const chained = (chain: string, { seq, subject, fingerprint, record }: LogEntry): string =>
  hash('sha256', `${chain} ${seq} ${subject} ${fingerprint} ${record ? 'read' : 'unreadable'}`)

function applierOf(db: Database.Database) {
  const rows = new RowSum(db)
  const writeOrigin = db.prepare('UPDATE origin SET applied = ?, fingerprint = ?, entry_chain = ?, row_sum = ?')
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
  return db.transaction((entries: readonly LogEntry[], from: Applied): Applied => {
    let { applied, fingerprint, entryChain } = from
    rows.value = from.rowSum
    for (const entry of entries) {
      if (entry.seq <= applied) throw new RangeError(`entry ${entry.seq} is not later than ${applied}`)
      applyOne(entry)
      entryChain = chained(entryChain, entry)
      ;({ seq: applied, fingerprint } = entry)
    }
    // By the sequence alone: however the entries were batched, the same ids are remembered.
    forgetHandled.run(applied - logTunables.rememberedRequests)
    writeOrigin.run(applied, fingerprint, entryChain, String(rows.value))
    return { ...from, applied, fingerprint, entryChain, rowSum: rows.value }
  })
}
