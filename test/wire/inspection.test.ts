// The bounds of what processes tell watchers: the largest message that is read, and the smallest that is not.

import test from 'ava'
import { downloadSchema } from '../../src/wire/inspected-download.ts'
import { type Inspection, readInspection } from '../../src/wire/inspection.ts'
import { inspectionBounds } from '../../src/wire/inspection-bounds.ts'

const head = { run: '0123456789abcdef', n: 0, at: 1_700_000_000_000 }
const actor = {
  ...{ id: 'x:1', parent: null, name: 'agent', kind: 'machine', machine: 'agent', status: 'active' },
  ...{ state: 'online', context: {}, error: null, at: head.at },
}
const message = { at: head.at, from: null, to: 'x:1', event: 'e', count: 1 }
const transition = { edge: 'a|e|0', source: 'a', targets: ['b'], event: 'e', guard: null }
const download = {
  ...{ ...head, kind: 'download', download: 1, actor: null, group: 'reef', name: 'film.mkv', state: 'fetching' },
  ...{ bytes: { done: 0, total: 1, fetched: 0 }, pieces: { done: 0, total: 1 }, pieceLength: 1, bytesPerSecond: 0 },
  ...{ secondsLeft: null, limits: { up: null, down: null, connections: null }, pieceMap: '', availability: '' },
  ...{ peers: [], sharers: null, waits: [] },
}
const peer = {
  ...{ user: 'bob', device: 'bbbbbbbbbbbb', state: 'ready', via: 'direct', bytesPerSecond: 0, pieces: 0, bytes: 0 },
  ...{ inFlight: [], has: null, limit: null, why: null },
}
const wait = { code: 'paused', params: {}, sentence: 'It is paused.' }

const step = (changes: object) => ({
  ...{ ...head, kind: 'step', actor: { ...actor, ...changes }, event: 'e', from: null, transitions: [], merged: 1 },
})
const entries = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`entry-${at}`, at]))
const read = (value: unknown): Inspection | undefined => readInspection(Buffer.from(JSON.stringify(value)))

test('A message of exactly the size limit is read, and one byte more is not.', t => {
  const text = JSON.stringify(step({}))
  const padded = (length: number) => readInspection(Buffer.from(text.padEnd(length)))
  t.truthy(padded(inspectionBounds.messageBytes))
  t.is(padded(inspectionBounds.messageBytes + 1), undefined)
})

test('A state value has at most 2,000 characters as JSON.', t => {
  // Two of them are its quotation marks.
  t.truthy(read(step({ state: 's'.repeat(1_998) })))
  t.is(read(step({ state: 's'.repeat(1_999) })), undefined)
})

test('A context has a bounded number of entries.', t => {
  t.truthy(read(step({ context: entries(inspectionBounds.contextEntries) })))
  t.is(read(step({ context: entries(inspectionBounds.contextEntries + 1) })), undefined)
})

const lists: [string, number, (count: number) => unknown][] = [
  [
    'Transitions of a step',
    inspectionBounds.transitionsPerStep,
    count => ({ ...step({}), transitions: Array(count).fill(transition) }),
  ],
  [
    'Actors of a snapshot',
    inspectionBounds.actorsPerPicture,
    count => ({
      ...{ ...head, kind: 'picture', watcher: null, part: 0, parts: 1, definitions: {} },
      actors: Array(count).fill(actor),
    }),
  ],
  [
    'Messages of a batch',
    inspectionBounds.messagesPerBatch,
    count => ({ ...head, kind: 'messages', messages: Array(count).fill(message), omitted: 0 }),
  ],
  [
    'Peers of a download',
    inspectionBounds.peersPerDownload,
    count => ({ ...download, peers: Array(count).fill(peer) }),
  ],
  ['Reasons of a download', inspectionBounds.waits, count => ({ ...download, waits: Array(count).fill(wait) })],
  ['Pieces of a download', inspectionBounds.pieces, total => ({ ...download, pieces: { done: 0, total } })],
]
for (const [what, most, make] of lists)
  test(`${what} number at most ${most}.`, t => {
    t.truthy(read(make(most)))
    t.is(read(make(most + 1)), undefined)
  })

test('A piece map has room for a byte of every piece, and for no more.', t => {
  const pieceMap = Buffer.alloc(inspectionBounds.pieces).toString('base64')
  t.true(downloadSchema.safeParse({ ...download, pieceMap }).success)
  t.false(downloadSchema.safeParse({ ...download, pieceMap: `${pieceMap}AAAA` }).success)
})
