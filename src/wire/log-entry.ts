// One message of the log as trackers read it. Its bytes and its subject alone decide whether it is readable, so all trackers
// decide alike. An unreadable one changes nothing but the applied sequence.

import { createHash } from 'node:crypto'
import { readJson } from './json.ts'
import { type LogEvent, type LogRecord, logRecordSchema } from './log-record.ts'
import { clusterEvents, groupEvents, userEvents } from './subjects.ts'

export interface LogEntry {
  readonly seq: number
  readonly subject: string
  /** Bytes of the message. */
  readonly size: number
  /** SHA-256 of the message's bytes, in hex: tells this log from another one at the same sequence. */
  readonly fingerprint: string
  /** Undefined when the message is no record of this version, or not of its subject's aggregate. */
  readonly record: LogRecord | undefined
}

export const fingerprintOf = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')

function subjectOf(event: LogEvent): string {
  if ('group' in event) return groupEvents(event.group)
  return 'user' in event ? userEvents(event.user) : clusterEvents
}

function readRecord(subject: string, data: Uint8Array): LogRecord | undefined {
  const record = readJson(data, logRecordSchema)
  return record?.events.every(event => subjectOf(event) === subject) ? record : undefined
}

export const readLogEntry = (seq: number, subject: string, data: Uint8Array): LogEntry => ({
  seq,
  subject,
  size: data.length,
  fingerprint: fingerprintOf(data),
  record: readRecord(subject, data),
})
