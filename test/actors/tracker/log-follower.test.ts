import { setImmediate as turn } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import type { Msg } from 'nats'
import { pino } from 'pino'
import { createActor, fromCallback } from 'xstate'
import type { EventLog } from '../../../src/actors/tracker/event-log.ts'
import { logFollowerActor } from '../../../src/actors/tracker/log-follower.ts'
import { createProgress } from '../../../src/actors/tracker/progress.ts'
import type { TrackerParts } from '../../../src/actors/tracker/tracker-parts.ts'
import type { FollowerReport } from '../../../src/machines/tracker.ts'
import { createProjection, inMemory } from '../../../src/storage/projection.ts'
import { fingerprintOf } from '../../../src/wire/log-entry.ts'
import { userEvents } from '../../../src/wire/subjects.ts'

const dataOf = (seq: number, at = 1) => {
  const events = [{ type: 'account.created', user: `user${seq}`, passwordHash: 'h', at: seq }]
  const id = `00000000-0000-4000-8000-${String(seq).padStart(12, '0')}`
  const by = { user: `user${seq}`, device: 'aaaaaaaaaaaa' }
  return Buffer.from(JSON.stringify({ id, at, by, events }))
}

/** A follower of a log with `ends` entries, whose consumers say what a test has them say. */
function fixture(t: ExecutionContext, ends: number, { isVerified = true, at = 1 } = {}) {
  const projection = createProjection(inMemory, 'then')
  const progress = createProgress(0)
  const reports: FollowerReport[] = []
  const begins: number[] = []
  let log = { created: 'then', lastSeq: ends }
  let hear: ((error: Error | null, message: Msg) => void) | undefined
  const eventLog = {
    end: async () => log,
    fingerprintAt: async (seq: number) => fingerprintOf(dataOf(seq, at)),
    follow: async (seq: number) => {
      begins.push(seq)
      return `consumer ${begins.length}`
    },
    forget: async () => {},
  } as unknown as EventLog
  const connection = {
    subscribe(_: string, { callback }: { callback: typeof hear }) {
      hear = callback
      return { unsubscribe() {} }
    },
    publish() {},
  }
  const noted: [string, number, number][] = []
  const writing = { note: (...note: [string, number, number]) => noted.push(note), waitMs: () => 0 }
  const parts = {
    connections: { log: connection },
    eventLog,
    projection,
    progress,
    isVerified,
    writing,
    log: pino({ enabled: false }),
  }
  const follow = logFollowerActor(parts as unknown as TrackerParts)
  const actor = createActor(
    fromCallback(scope => follow({ ...scope, sendBack: event => void reports.push(event as FollowerReport) })),
  )
  actor.start()
  t.teardown(() => actor.stop())

  const until = async (isSo: () => boolean) => {
    while (!isSo()) await turn()
  }
  return {
    projection,
    noted,
    reports,
    begins,
    until,
    types: () => reports.map(({ type }) => type),
    /** The brokers deliver that entry, as the consumer's `delivery`th. */
    deliver(seq: number, delivery: number) {
      log = { ...log, lastSeq: Math.max(log.lastSeq, seq) }
      const reply = `$JS.ACK.SHOAL.consumer.1.${seq}.${delivery}.0.0`
      hear?.(null, { reply, subject: userEvents(`user${seq}`), data: dataOf(seq, at) } as unknown as Msg)
    },
    heartbeat(lastDelivery: number) {
      const headers = { get: (name: string) => (name === 'Nats-Last-Consumer' ? String(lastDelivery) : '') }
      hear?.(null, { headers, data: Buffer.alloc(0), subject: 'inbox' } as unknown as Msg)
    },
    replaceLog() {
      log = { created: 'now', lastSeq: 0 }
    },
  }
}

test('Entries are applied in order; those up to the end of the log are history, and later ones are news.', async t => {
  const { deliver, until, projection, reports, types, begins } = fixture(t, 2)
  await until(() => begins.length === 1)
  t.deepEqual(begins, [1])
  deliver(1, 1)
  await until(() => projection.applied === 1)
  t.deepEqual(types(), [])
  deliver(2, 2)
  await until(() => reports.length === 1)
  t.deepEqual(types(), ['log.caught-up'])
  deliver(3, 3)
  deliver(5, 4)
  await until(() => projection.applied === 5)
  const news = reports.flatMap(report => (report.type === 'entries.applied' ? report.entries : []))
  t.deepEqual(
    news.map(({ seq }) => seq),
    [3, 5],
  )
})

test('A follower of an empty log has caught up at once.', async t => {
  const { until, reports, types } = fixture(t, 0)
  await until(() => reports.length > 0)
  t.deepEqual(types(), ['log.caught-up'])
})

for (const [how, brokenBy] of [
  ['skips an entry', (f: ReturnType<typeof fixture>) => f.deliver(4, 4)],
  ['repeats an entry', (f: ReturnType<typeof fixture>) => f.deliver(2, 2)],
  ['says that it delivered what did not arrive', (f: ReturnType<typeof fixture>) => f.heartbeat(3)],
] as const)
  test(`A consumer that ${how} is replaced by one that starts after the last applied entry.`, async t => {
    const follower = fixture(t, 0)
    const { deliver, until, projection, begins, types } = follower
    await until(() => begins.length === 1)
    deliver(1, 1)
    deliver(2, 2)
    brokenBy(follower)
    await until(() => begins.length === 2)
    t.deepEqual(begins, [1, 3])
    t.is(projection.applied, 2)
    deliver(3, 1)
    await until(() => projection.applied === 3)
    t.false(types().includes('follower.failed'))
  })

test('A heartbeat from a consumer that has delivered everything changes nothing.', async t => {
  const { deliver, heartbeat, until, projection, begins } = fixture(t, 0)
  await until(() => begins.length === 1)
  deliver(1, 1)
  heartbeat(1)
  deliver(2, 2)
  await until(() => projection.applied === 2)
  t.deepEqual(begins, [1])
})

test('A recreated log ends the follower, which says so.', async t => {
  const { deliver, heartbeat, replaceLog, until, begins, types } = fixture(t, 0)
  await until(() => begins.length === 1)
  deliver(1, 1)
  replaceLog()
  heartbeat(7)
  await until(() => types().includes('follower.failed'))
  t.is(begins.length, 1)
})

test('A failed write to the projection ends the follower, which says so.', async t => {
  const { deliver, until, projection, begins, types } = fixture(t, 0)
  await until(() => begins.length === 1)
  projection.close()
  deliver(1, 1)
  await until(() => types().includes('follower.failed'))
  t.pass()
})

test('A follower with an unchecked projection says that the log is out of reach.', async t => {
  const { types } = fixture(t, 0, { isVerified: false })
  t.deepEqual(types(), ['log.out-of-reach'])
})

test('A record from a clock that is far ahead counts as written now.', async t => {
  const { deliver, until, begins, noted } = fixture(t, 1, { at: Date.now() + 1e9 })
  await until(() => begins.length === 1)
  deliver(1, 1)
  await until(() => noted.length === 1)
  t.true(noted[0]![2] <= Date.now())
})

test('Every user’s writes are counted with size and time, history included.', async t => {
  const { deliver, until, begins, noted } = fixture(t, 1)
  await until(() => begins.length === 1)
  for (const seq of [1, 2]) deliver(seq, seq)
  await until(() => noted.length === 2)
  t.deepEqual(
    noted,
    [1, 2].map(seq => [`user${seq}`, dataOf(seq).length, 1]),
  )
})
