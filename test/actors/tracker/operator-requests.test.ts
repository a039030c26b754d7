// What a tracker makes of the operator's requests: which record each becomes, and what it answers.

import test from 'ava'
import pino from 'pino'
import { writeTunables } from '../../../config/tracker.ts'
import { createCommit } from '../../../src/actors/tracker/commit.ts'
import type { EventLog } from '../../../src/actors/tracker/event-log.ts'
import { createOperatorRequests } from '../../../src/actors/tracker/operator-requests.ts'
import { createProgress } from '../../../src/actors/tracker/progress.ts'
import { createWriteAllowance } from '../../../src/domain/write-allowance.ts'
import { createProjection, inMemory } from '../../../src/storage/projection.ts'
import { readLogEntry } from '../../../src/wire/log-entry.ts'
import type { LogEvent, LogRecord } from '../../../src/wire/log-record.ts'
import { clusterEvents, groupEvents, operatorSubject, userEvents } from '../../../src/wire/subjects.ts'

const idOf = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`
const passwordHash = '$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA'

/** A tracker alone with its log. */
function startTracker() {
  const projection = createProjection(inMemory, 'created')
  const progress = createProgress(0)
  const records: (LogRecord & { subject: string })[] = []
  const append: EventLog['append'] = async (subject, record) => {
    const seq = projection.applied + 1
    records.push({ subject, ...record })
    projection.apply([readLogEntry(seq, subject, Buffer.from(JSON.stringify(record)))])
    progress.advance(seq)
    return { kind: 'appended', seq }
  }
  const catchUp = { toEnd: async () => true, toSeen: async () => true }
  const writing = createWriteAllowance(writeTunables.limits, writeTunables.rememberedUsers)
  const log = pino({ level: 'silent' })
  const eventLog = { append } as EventLog
  const commit = createCommit(
    { eventLog, projection, progress, writing, log },
    { isReachable: async () => true },
    catchUp,
  )
  // An inbox that is listened to: the broker says nothing.
  const writes = { publish() {}, subscribe: () => ({ unsubscribe() {} }), flush: async () => {} }
  const answer = createOperatorRequests({ connections: { writes } as never, projection }, commit, catchUp)
  let asked = 0
  const ask = (method: string, params: unknown, id = idOf(asked++)) =>
    answer({
      subject: operatorSubject(method),
      reply: '_INBOX_$operator.x',
      data: Buffer.from(JSON.stringify({ id, params })),
    } as never)
  const write = (subject: string, ...events: LogEvent[]) =>
    append(subject, { id: idOf(1_000 + records.length), at: 5, by: { user: 'ann', device: 'aaaaaaaaaaaa' }, events }, 0)
  return { projection, records, ask, write }
}

const done = { ok: true, value: {} }

test('The operator makes an account, disables and enables it, resets its password and deletes it, each as one record.', async t => {
  const { ask, records, projection } = startTracker()
  t.deepEqual(await ask('user.add', { user: 'bob', passwordHash }), done as never)
  t.deepEqual(await ask('user.disable', { user: 'bob' }), done as never)
  t.deepEqual(await ask('user.enable', { user: 'bob' }), done as never)
  t.deepEqual(await ask('user.reset', { user: 'bob', passwordHash: `${passwordHash}2` }), done as never)
  t.is(projection.passwordHash('bob'), `${passwordHash}2`)
  t.deepEqual(await ask('user.delete', { user: 'bob' }), done as never)
  t.deepEqual(
    records.map(({ by, subject, events }) => [by, subject, events.map(({ type }) => type)]),
    ['account.created', 'account.disabled', 'account.enabled', 'password.changed', 'account.deleted'].map(type => [
      'operator',
      userEvents('bob'),
      [type],
    ]) as never,
  )
  t.deepEqual((await ask('user.list', {})) as never, { ok: true, value: { rows: [] } })
})

test('A request that is repeated acts once.', async t => {
  const { ask, records } = startTracker()
  const asked = [1, 2].map(() => ask('user.add', { user: 'bob', passwordHash }, idOf(7)))
  t.deepEqual(await Promise.all(asked), [done, done] as never)
  t.deepEqual(await ask('user.add', { user: 'bob', passwordHash }, idOf(7)), done as never)
  t.is(records.length, 1)
  t.like(await ask('user.add', { user: 'bob', passwordHash }), { code: 'user-exists' })
})

test('An account that does not exist is refused by name, and a malformed request as such.', async t => {
  const { ask, records } = startTracker()
  for (const method of ['user.disable', 'user.enable', 'user.delete'])
    t.like(await ask(method, { user: 'bob' }), {
      code: 'no-such-user',
      message: 'there is no user bob; see shoal cluster user list',
    })
  t.like(await ask('user.reset', { user: 'bob', passwordHash }), { code: 'no-such-user' })
  for (const [method, params] of [
    ['user.add', { user: '../b', passwordHash }],
    ['user.add', { user: 'bob', passwordHash: 'plain' }],
    ['user.add', { user: 'bob' }],
    ['user.crown', { user: 'bob' }],
    ['constructor', {}],
    ['sign-up.set', { signUp: 'ajar' }],
  ] as const)
    t.like(await ask(method, params), { code: 'usage' })
  t.is(records.length, 0)
})

test('The list has every account, with its devices, groups and state, page after page.', async t => {
  const { ask, write } = startTracker()
  await ask('user.add', { user: 'bob', passwordHash })
  await write(userEvents('bob'), {
    type: 'device.logged-in',
    user: 'bob',
    device: 'bbbbbbbbbbbb',
    name: 'laptop',
    at: 5,
    credentialHash: 'a'.repeat(64),
  })
  await write(groupEvents('reef'), { type: 'group.created', group: 'reef', owner: 'bob', at: 5 })
  await ask('user.add', { user: 'cy', passwordHash })
  await ask('user.disable', { user: 'cy' })
  const page = (params: unknown) => ask('user.list', params) as Promise<{ value: { rows: object[] } }>
  const { rows } = (await page({})).value
  t.like(rows[0], { user: 'bob', devices: 1, groups: 1, state: 'active' })
  t.like(rows[1], { user: 'cy', devices: 0, groups: 0, state: 'disabled' })
  t.deepEqual((await page({ after: 'bob' })).value.rows, rows.slice(1))
})

test('The operator hands a group to a member of it, and closes and opens sign-up.', async t => {
  const { ask, write, records, projection } = startTracker()
  await write(groupEvents('reef'), { type: 'group.created', group: 'reef', owner: 'ann', at: 5, hidden: true })
  t.like(await ask('group.transfer', { group: 'reef', user: 'bob' }), { code: 'not-member' })
  await write(groupEvents('reef'), { type: 'join.accepted', group: 'reef', user: 'bob', at: 6 })
  t.deepEqual(await ask('group.transfer', { group: 'reef', user: 'bob' }), done as never)
  t.is(projection.ownerOf('reef'), 'bob')
  t.deepEqual(await ask('sign-up.set', { signUp: 'closed' }), done as never)
  t.deepEqual(projection.clusterSettings(), { signUp: 'closed' })
  t.like(records.at(-1), { by: 'operator', subject: clusterEvents })
})
