// Lists that exceed a message, at a real broker: a client gets all of each, and an answer that fits no message is refused
// rather than dropped.

import anyTest, { type TestFn } from 'ava'
import { trackerTunables } from '../../config/tracker.ts'
import { askAll } from '../../src/actors/client/ask-all.ts'
import { shareId } from '../../src/domain/manifest.ts'
import type { LogEvent } from '../../src/wire/log-record.ts'
import { groupEvents } from '../../src/wire/subjects.ts'
import { startCluster, type TestCluster } from '../helpers/cluster.ts'
import { commandLine } from '../helpers/command-line.ts'
import { granted } from '../helpers/granted.ts'
import { manifestOf } from '../helpers/manifest-of.ts'
import { person } from '../helpers/person.ts'
import { withShared } from '../helpers/with-shared.ts'
import { writeLog } from '../helpers/write-log.ts'

const test = withShared(anyTest.serial as TestFn<TestCluster>, t => startCluster(t, { brokers: 1, trackers: 1 }))

const messageBytes = 2 ** 20
const idOf = (index: number, what: string) => `${what}${String(index).padStart(5, '0')}`.padEnd(64, 'x')
const many = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i))
/** As few records as there can be. */
const recordsOf = (events: LogEvent[]): LogEvent[][] =>
  many(Math.ceil(events.length / 1_000), index => events.slice(index * 1_000, (index + 1) * 1_000))

test('With more groups than fit a page, every user gets all of them, once each.', async t => {
  const { servers } = t.context
  const ann = await person(t, servers, 'ann')
  const names = many(3_000, index => idOf(index, 'g'))
  const owner = idOf(0, 'owner')
  const made = names.map((group): [string, LogEvent[][]] => [
    groupEvents(group),
    [[{ type: 'group.created', group, owner, at: 1 }]],
  ])
  ann.trackers.advance(await writeLog(t.context, new Map(made)))

  const first = granted(await ann.trackers.ask('group.list', {}))
  const firstBytes = JSON.stringify(first).length
  t.true(first.rows.length > 1_000 && first.rows.length < names.length, `${first.rows.length} in a page`)
  t.true(firstBytes < 1.1 * trackerTunables.pageBytes, `${firstBytes} bytes in a page`)
  const all = granted(await askAll(ann.trackers, 'group.list', {}))
  t.deepEqual(
    all.map(({ group }) => group),
    names,
  )

  const bea = commandLine(t, servers)
  await bea.json('signup', 'bea')
  await bea.json('login', 'bea')
  await bea.json('group', 'create', 'zebra')
  const [listed] = await bea.json<{ group: string; owner: string; members: number; you: string }[]>('group', 'list')
  t.deepEqual(
    listed?.map(({ group }) => group),
    [...names, 'zebra'],
  )
  t.deepEqual(listed?.at(-1), { group: 'zebra', owner: 'bea', members: 1, you: 'owner' })
})

test('With more files than fit a message, a group’s members get all of them, and so does the agent that shares them.', async t => {
  const cat = await person(t, t.context.servers, 'cat')
  const group = 'reef'
  granted(await cat.trackers.ask('group.create', { group }))
  const { user, device } = cat
  const names = many(4_000, index => String(index).padStart(5, '0').padEnd(250, 'n'))
  const events = names.flatMap((name): LogEvent[] => {
    const manifest = manifestOf(name, Buffer.alloc(0))
    return [
      { type: 'share.created', group, id: shareId(group, manifest), manifest },
      { type: 'sharer.added', group, name, user, device },
    ]
  })
  cat.trackers.advance(await writeLog(t.context, new Map([[groupEvents(group), recordsOf(events)]])))
  const files = granted(await askAll(cat.trackers, 'group.files', { group }))
  t.true(JSON.stringify(files).length > messageBytes)
  t.deepEqual(
    files.map(({ name }) => name),
    names,
  )
  t.like(files[0], { sharers: [user], size: 0 })
  const shares = granted(await askAll(cat.trackers, 'agent.shares', {}))
  t.true(JSON.stringify(shares).length > messageBytes)
  t.deepEqual(
    shares.map(({ name }) => name),
    names,
  )
})

test('An answer that exceeds the largest message becomes a refusal that says so.', async t => {
  const dan = await person(t, t.context.servers, 'dan')
  const group = 'crowd'
  granted(await dan.trackers.ask('group.create', { group }))
  const members = many(10_000, index => idOf(index, 'm'))
  const events = members.map((user): LogEvent => ({ type: 'join.accepted', group, user, at: 1_700_000_000_000 }))
  dan.trackers.advance(await writeLog(t.context, new Map([[groupEvents(group), recordsOf(events)]])))
  const answer = await dan.trackers.ask('group.members', { group })
  t.like(answer, { ok: false, code: 'too-many' })
  t.regex(answer.ok ? '' : answer.message, /the brokers accept 1(\.0)? MiB/)
  t.true((await dan.trackers.ask('group.list', {})).ok, 'the tracker answers on')
})
