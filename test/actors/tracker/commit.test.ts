import test from 'ava'
import pino from 'pino'
import { writeTunables } from '../../../config/tracker.ts'
import type { CatchUp } from '../../../src/actors/tracker/catch-up.ts'
import { createCommit, type Proposal } from '../../../src/actors/tracker/commit.ts'
import type { Append, EventLog } from '../../../src/actors/tracker/event-log.ts'
import { createProgress } from '../../../src/actors/tracker/progress.ts'
import { account } from '../../../src/domain/account.ts'
import { done } from '../../../src/domain/refusal.ts'
import { createWriteAllowance } from '../../../src/domain/write-allowance.ts'
import { createProjection, inMemory } from '../../../src/storage/projection.ts'
import { readLogEntry } from '../../../src/wire/log-entry.ts'
import type { LogEvent, LogRecord } from '../../../src/wire/log-record.ts'
import { userEvents } from '../../../src/wire/subjects.ts'

const id = '00000000-0000-4000-8000-000000000001'
const otherId = '00000000-0000-4000-8000-000000000002'
const subject = userEvents('ann')
const doubt: Append = { kind: 'in-doubt', cause: new Error('timeout') }
const created = (by: string): LogRecord => ({
  id: by,
  at: 1,
  events: [{ type: 'account.created', user: 'ann', passwordHash: by, at: 0 }],
})

/** One answer of the brokers to an append. */
type Answer = (record: LogRecord, expected: number) => Append

/** A tracker's projection, and a log that answers as a test says; entries reach the projection when it catches up. */
function fixture(
  answers: readonly Answer[],
  isReachable = () => true,
  hasInterest = () => true,
  writing = createWriteAllowance(writeTunables.limits, writeTunables.rememberedUsers),
) {
  const projection = createProjection(inMemory, 'created')
  const progress = createProgress(0)
  const log: LogRecord[] = []
  const appended: { record: LogRecord; expected: number }[] = []
  let catchUps = 0

  const land = (record: LogRecord) => log.push(record)
  const apply = () => {
    const entries = log
      .map((record, index) => readLogEntry(index + 1, subject, Buffer.from(JSON.stringify(record))))
      .slice(projection.applied)
    projection.apply(entries)
    progress.advance(projection.applied)
  }
  const append: EventLog['append'] = async (_, record, expected) => {
    const answer = answers[appended.length]
    if (!answer) throw new Error('one append too many')
    appended.push({ record, expected })
    const result = answer(record, expected)
    if (result.kind !== 'in-doubt') setImmediate(apply)
    return result
  }
  const catchUp: CatchUp = {
    async toEnd() {
      catchUps++
      apply()
      return true
    },
    toSeen: async () => true,
  }
  const commit = createCommit(
    { eventLog: { append } as EventLog, projection, progress, writing, log: pino({ level: 'silent' }) },
    { isReachable: async () => isReachable() },
    catchUp,
  )
  const signUp: Proposal = {
    id,
    subject,
    hasInterest: async () => hasInterest(),
    decide: at => account.decide({ type: 'sign-up', user: 'ann', passwordHash: id, at }, projection.account('ann')),
  }
  const by = { user: 'ann', device: 'aaaaaaaaaaaa' }
  /** A command of ann's that was decided: what it adds to the log, or ends. */
  const write = (event: LogEvent) => commit({ ...signUp, by, decide: () => done([event]) })
  const answered = async () => {
    const outcome = await commit(signUp)
    if (!outcome) throw new Error('nothing was answered')
    return outcome
  }
  return {
    write,
    commit: answered,
    silently: () => commit(signUp),
    land,
    appended,
    projection,
    catchUps: () => catchUps,
  }
}
const lands =
  (land: (record: LogRecord) => number): Answer =>
  record => ({ kind: 'appended', seq: land(record) })

test('A write is answered once the tracker’s own projection contains it.', async t => {
  const { commit, land, appended, projection } = fixture([record => lands(land)(record, 0)])
  t.true((await commit()).ok)
  t.is(projection.handledAt(id), 1)
  t.is(appended[0]?.expected, 0)
})

test('A request that is already in the log is not appended again.', async t => {
  const { commit, land, appended, projection } = fixture([])
  land(created(id))
  projection.apply([readLogEntry(1, subject, Buffer.from(JSON.stringify(created(id))))])
  t.true((await commit()).ok)
  t.is(appended.length, 0)
})

test('An unanswered append that took effect is found in the log and not repeated.', async t => {
  const { commit, land, appended } = fixture([
    record => {
      land(record)
      return doubt
    },
  ])
  t.true((await commit()).ok)
  t.is(appended.length, 1)
})

test('An unanswered append that had no effect is repeated unchanged.', async t => {
  const { commit, land, appended } = fixture([() => doubt, record => lands(land)(record, 0)])
  t.true((await commit()).ok)
  t.is(appended.length, 2)
  t.deepEqual(appended[1], appended[0])
})

for (const atLeast of [1, undefined])
  test(`A write that conflicts with another ${atLeast === undefined ? 'in flight' : 'already appended'} is decided again.`, async t => {
    const { commit, land, appended } = fixture([
      () => {
        land(created(otherId))
        return { kind: 'conflict', atLeast }
      },
    ])
    const outcome = await commit()
    t.is(outcome.ok ? 'done' : outcome.code, 'user-exists')
    t.is(appended.length, 1)
  })

test('Without a majority nothing is published, and the answer says that nothing was changed.', async t => {
  const { commit, appended } = fixture([], () => false)
  const outcome = await commit()
  t.like(outcome, { ok: false, code: 'no-quorum' })
  t.regex(outcome.ok ? '' : outcome.message, /nothing was changed/)
  t.is(appended.length, 0)
})

test('If the majority is lost after an unanswered append, the answer says that it may yet take effect.', async t => {
  let reachable = true
  const { commit } = fixture(
    [
      () => {
        reachable = false
        return doubt
      },
    ],
    () => reachable,
  )
  const outcome = await commit()
  t.like(outcome, { ok: false, code: 'no-quorum' })
  t.regex(outcome.ok ? '' : outcome.message, /may yet take effect/)
})

test('Once the client has stopped waiting, nothing is appended or answered, even between two attempts.', async t => {
  const late = fixture([], undefined, () => false)
  t.is(await late.silently(), undefined)
  t.is(late.appended.length, 0)
  let asked = 0
  const between = fixture([() => doubt], undefined, () => asked++ === 0)
  t.is(await between.silently(), undefined)
  t.is(between.appended.length, 1)
})

test('A refusal is given only on the state at the end of the log.', async t => {
  const { commit, land, projection, catchUps } = fixture([])
  land(created(otherId))
  projection.apply([readLogEntry(1, subject, Buffer.from(JSON.stringify(created(otherId))))])
  const outcome = await commit()
  t.is(outcome.ok ? 'done' : outcome.code, 'user-exists')
  t.is(catchUps(), 1)
})

test('A record that the brokers find too large is refused and not tried again.', async t => {
  const { commit, appended } = fixture([() => ({ kind: 'too-large' })])
  t.like(await commit(), { ok: false, code: 'usage' })
  t.is(appended.length, 1)
})

test('A user who has filled too much of the log cannot add to it for a while, but can end everything of theirs.', async t => {
  const writing = createWriteAllowance(writeTunables.limits, writeTunables.rememberedUsers)
  const { write, land, appended } = fixture([record => lands(land)(record, 0)], undefined, undefined, writing)
  writing.note('ann', 2 * writeTunables.limits.perUser.burstBytes, Date.now())
  const share = { user: 'ann', device: 'aaaaaaaaaaaa' }
  t.like(await write({ type: 'device.logged-in', ...share, name: 'x', credentialHash: 'c', at: 1 }), {
    ok: false,
    code: 'too-many',
  })
  t.is(appended.length, 0)
  t.like(await write({ type: 'device.logged-out', ...share }), { ok: true })
  t.is(appended.length, 1)
})
