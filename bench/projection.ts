// How fast a tracker catches up with a log of people who sign up, log in, join a group and share a file of 1 GiB each:
// reading and checking the log's messages, then applying them to a projection on disk.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { trackerTunables } from '../config/tracker.ts'
import type { Manifest } from '../src/domain/manifest.ts'
import { createProjection, type Projection, removeProjection } from '../src/storage/projection.ts'
import { readLogEntry } from '../src/wire/log-entry.ts'
import type { LogEvent } from '../src/wire/log-record.ts'
import { groupEvents, userEvents } from '../src/wire/subjects.ts'
import { measure } from './support/measure.ts'

const people = 200
const device = 'aaaaaaaaaaaa'
const group = 'reef'
const pieceLength = 512 * 1024
const pieceCount = 2_048

const messages: { subject: string; data: Buffer }[] = []
let events = 0
function append(subject: string, ...recorded: LogEvent[]): void {
  const at = messages.length
  const id = `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`
  events += recorded.length
  messages.push({ subject, data: Buffer.from(JSON.stringify({ id, at, events: recorded })) })
}

for (let person = 0; person < people; person += 1) {
  const user = `user${person}`
  const share = person.toString(16).padStart(32, '0')
  const manifest: Manifest = {
    name: `file${person}`,
    size: pieceLength * pieceCount,
    sha1: '0'.repeat(40),
    sha256: '0'.repeat(64),
    pieceLength,
    pieces: Buffer.alloc(20 * pieceCount, person).toString('base64'),
  }
  const at = messages.length
  append(userEvents(user), { type: 'account.created', user, passwordHash: 'hash', at })
  append(userEvents(user), { type: 'device.logged-in', user, device, name: 'bench', credentialHash: 'hash', at })
  if (person === 0) append(groupEvents(group), { type: 'group.created', group, owner: user, at })
  else {
    append(groupEvents(group), { type: 'join.requested', group, user, at })
    append(groupEvents(group), { type: 'join.accepted', group, user, at })
  }
  append(
    groupEvents(group),
    { type: 'share.created', group, id: share, manifest },
    { type: 'sharer.added', group, name: manifest.name, user, device },
  )
}

const readAll = () => messages.map(({ subject, data }, index) => readLogEntry(index + 1, subject, data))
const entries = readAll()
if (entries.some(({ record }) => record === undefined)) throw new Error('bug: the log holds an unreadable message')

const folder = mkdtempSync(join(tmpdir(), 'shoal-bench-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
let projection: Projection | undefined
const file = join(folder, 'projection.db')
await measure([
  { name: 'read and checked', amount: events, unit: 'events', run: readAll },
  {
    name: `applied, ${trackerTunables.entriesAtOnce} messages a transaction`,
    amount: events,
    unit: 'events',
    before() {
      projection?.close()
      removeProjection(file)
      projection = createProjection(file, '2026-01-01T00:00:00.000000001Z')
    },
    run() {
      for (let from = 0; from < entries.length; from += trackerTunables.entriesAtOnce)
        projection!.apply(entries.slice(from, from + trackerTunables.entriesAtOnce))
    },
  },
])
projection?.close()
