// Two trackers, one log: look-alikes asked for at the same moment, each of one tracker that has not seen the other.

import test from 'ava'
import pino from 'pino'
import { writeTunables } from '../../../config/tracker.ts'
import { proposalOf } from '../../../src/actors/tracker/commands.ts'
import { createCommit, type Proposal } from '../../../src/actors/tracker/commit.ts'
import type { EventLog } from '../../../src/actors/tracker/event-log.ts'
import { createProgress } from '../../../src/actors/tracker/progress.ts'
import { account } from '../../../src/domain/account.ts'
import { createWriteAllowance } from '../../../src/domain/write-allowance.ts'
import { createProjection, inMemory, type Projection } from '../../../src/storage/projection.ts'
import { type LogEntry, readLogEntry } from '../../../src/wire/log-entry.ts'
import { groupEvents, userEvents } from '../../../src/wire/subjects.ts'

/** As JetStream does: refuses an append whose subject has had another since. */
function sharedLog() {
  const entries: LogEntry[] = []
  const append: EventLog['append'] = async (subject, record, expected) => {
    const last = entries.findLast(entry => entry.subject === subject)?.seq ?? 0
    if (last !== expected) return { kind: 'conflict', atLeast: undefined }
    const seq = entries.length + 1
    entries.push(readLogEntry(seq, subject, Buffer.from(JSON.stringify(record))))
    return { kind: 'appended', seq }
  }
  return { entries, append }
}

/** Sees nothing of the log until its first append was answered. */
function trackerOn({ entries, append }: ReturnType<typeof sharedLog>) {
  const projection = createProjection(inMemory, 'created')
  const progress = createProgress(0)
  const apply = () => {
    projection.apply(entries.slice(projection.applied))
    progress.advance(projection.applied)
  }
  const eventLog = {
    append: async (...words: Parameters<typeof append>) => {
      const answer = await append(...words)
      setImmediate(apply)
      return answer
    },
  } as EventLog
  const writing = createWriteAllowance(writeTunables.limits, writeTunables.rememberedUsers)
  const commit = createCommit(
    { eventLog, projection, progress, writing, log: pino({ level: 'silent' }) },
    { isReachable: async () => true },
    {
      toEnd: async () => {
        apply()
        return true
      },
      toSeen: async () => true,
    },
  )
  return { projection, commit }
}

const hasInterest = async () => true
const idOf = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`
const by = { user: 'ann', device: 'aaaaaaaaaaaa' }

const signUp = (projection: Projection, user: string, number: number): Proposal => ({
  id: idOf(number),
  subject: userEvents(user),
  hasInterest,
  decide: at =>
    account.decide(
      { type: 'sign-up', user, passwordHash: '', at },
      projection.account(projection.userLike(user) ?? user),
    ),
})
const create = (projection: Projection, group: string, number: number): Proposal =>
  proposalOf(projection, { id: idOf(number), by, method: 'group.create', params: { group } }, hasInterest)

const proposals: [string, typeof signUp, string, (id: string) => string][] = [
  ['user ids', signUp, 'user-exists', userEvents],
  ['group names', create, 'group-exists', groupEvents],
]
for (const [what, propose, code, eventsOf] of proposals)
  test(`Of ${what} that look alike, one of two asked of two trackers at once is taken and the other refused.`, async t => {
    const log = sharedLog()
    const [one, other] = [trackerOn(log), trackerOn(log)]
    const outcomes = await Promise.all([
      one.commit(propose(one.projection, 'Coral', 1)),
      other.commit(propose(other.projection, 'c0ra1', 2)),
    ])
    t.deepEqual(
      outcomes.map(outcome => (outcome?.ok ? 'done' : outcome?.code)),
      ['done', code as 'user-exists'],
    )
    t.deepEqual(
      log.entries.map(({ subject }) => subject),
      [eventsOf('coral')],
    )
  })

test('A group that ended leaves its name to look-alikes, and only the exact name is the new group.', async t => {
  const { projection, commit } = trackerOn(sharedLog())
  t.true((await commit(create(projection, 'Reef', 1)))?.ok)
  const leave = (group: string, number: number) =>
    commit(proposalOf(projection, { id: idOf(number), by, method: 'group.leave', params: { group } }, hasInterest))
  t.like(await leave('reef', 2), { code: 'no-such-group' })
  t.true((await leave('Reef', 3))?.ok)
  t.true((await commit(create(projection, 'reef', 4)))?.ok)
  t.is(projection.ownerOf('Reef'), undefined)
  t.is(projection.ownerOf('reef'), 'ann')
})
