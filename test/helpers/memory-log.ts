// A log in memory, as JetStream keeps one: it refuses an append whose subject has had another since. Any number of trackers
// follow it; each sees an entry once it applies.

import type { EventLog } from '../../src/actors/tracker/event-log.ts'
import { createProgress } from '../../src/actors/tracker/progress.ts'
import { createProjection, inMemory } from '../../src/storage/projection.ts'
import { type LogEntry, readLogEntry } from '../../src/wire/log-entry.ts'
import type { LogEvent, LogRecord } from '../../src/wire/log-record.ts'

export class MemoryLog {
  readonly entries: LogEntry[] = []

  /** Appends whatever was appended to the subject before. */
  write(subject: string, events: LogEvent[]): void {
    const id = `00000000-0000-4000-8000-${String(this.entries.length).padStart(12, '0')}`
    this.#add(subject, { id, at: 1, events })
  }

  /** What a tracker that follows this log has: its projection, which catches up when it asks for the log's end. */
  tracker() {
    const projection = createProjection(inMemory, 'created')
    const progress = createProgress(0)
    const apply = () => {
      projection.apply(this.entries.slice(projection.applied))
      progress.advance(projection.applied)
    }
    const append: EventLog['append'] = async (subject, record, expected) => {
      const last = this.entries.findLast(entry => entry.subject === subject)?.seq ?? 0
      if (last !== expected) return { kind: 'conflict', atLeast: undefined }
      const seq = this.#add(subject, record)
      setImmediate(apply)
      return { kind: 'appended', seq }
    }
    const end = async () => {
      apply()
      return { created: 'created', lastSeq: this.entries.length }
    }
    return { projection, progress, apply, eventLog: { append, end } as EventLog }
  }

  #add(subject: string, record: LogRecord): number {
    const seq = this.entries.length + 1
    this.entries.push(readLogEntry(seq, subject, Buffer.from(JSON.stringify(record))))
    return seq
  }
}
