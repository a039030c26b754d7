import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { pino } from 'pino'
import { type EventLog, LogUnavailable } from '../../../src/actors/tracker/event-log.ts'
import { prepareProjection } from '../../../src/actors/tracker/prepare-projection.ts'
import { openProjection } from '../../../src/storage/projection.ts'
import { readLogEntry } from '../../../src/wire/log-entry.ts'
import { userEvents } from '../../../src/wire/subjects.ts'
import { tempFolder } from '../../helpers/temp-folder.ts'

const quiet = pino({ enabled: false })
const data = (user: string) => {
  const events = [{ type: 'account.created', user, passwordHash: 'h', at: 1 }]
  return Buffer.from(JSON.stringify({ id: '00000000-0000-4000-8000-000000000001', at: 1, events }))
}
const entry = (seq: number, user: string) => readLogEntry(seq, userEvents(user), data(user))

/** A log with these people's sign-ups. */
function logOf(created: string, users: readonly string[]): EventLog {
  const entries = users.map((user, index) => entry(index + 1, user))
  return {
    ensure: async () => {},
    end: async () => ({ created, lastSeq: entries.length }),
    fingerprintAt: async (seq: number) => entries[seq - 1]?.fingerprint,
  } as EventLog
}
const outOfReach = {
  ensure: async () => {
    throw new LogUnavailable('no majority')
  },
} as unknown as EventLog

/** A folder with a projection of a log that was created `then`, and has ann's and bo's sign-ups. */
async function fixture(t: Parameters<typeof tempFolder>[0]) {
  const folder = tempFolder(t)
  const { projection } = await prepareProjection(folder, logOf('then', []), quiet)
  projection.apply([entry(1, 'ann'), entry(2, 'bo')])
  projection.close()
  const prepare = async (eventLog: EventLog) => {
    const prepared = await prepareProjection(folder, eventLog, quiet)
    t.teardown(() => prepared.projection.close())
    return { applied: prepared.projection.applied, isVerified: prepared.isVerified }
  }
  return { folder, prepare }
}

test('A projection that matches the log is kept, even when the log has grown since.', async t => {
  const { prepare } = await fixture(t)
  t.deepEqual(await prepare(logOf('then', ['ann', 'bo', 'cy'])), { applied: 2, isVerified: true })
})

for (const [why, log] of [
  ['was created at another time', logOf('now', ['ann', 'bo'])],
  ['ends before what was applied', logOf('then', ['ann'])],
  ['has another entry there', logOf('then', ['ann', 'cy'])],
] as const)
  test(`A projection of a log that ${why} is rebuilt.`, async t => {
    const { folder, prepare } = await fixture(t)
    t.deepEqual(await prepare(log), { applied: 0, isVerified: true })
    t.is(openProjection(join(folder, 'projection.db'))?.applied, 0)
  })

test('A file that is not a projection is replaced by a new one.', async t => {
  const { folder, prepare } = await fixture(t)
  writeFileSync(join(folder, 'projection.db'), 'garbage'.repeat(1000))
  t.deepEqual(await prepare(logOf('then', ['ann', 'bo'])), { applied: 0, isVerified: true })
})

test('While the log is out of reach, a projection with entries serves unverified and is kept.', async t => {
  const { prepare } = await fixture(t)
  t.deepEqual(await prepare(outOfReach), { applied: 2, isVerified: false })
})

test('While the log is out of reach, an empty projection cannot serve.', async t => {
  await t.throwsAsync(prepareProjection(tempFolder(t), outOfReach, quiet), { instanceOf: LogUnavailable })
})
