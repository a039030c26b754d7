import test, { type ExecutionContext } from 'ava'
import pino from 'pino'
import { deviceTunables, writeTunables } from '../../../config/tracker.ts'
import { createDeviceUse } from '../../../src/actors/tracker/device-use.ts'
import { housekeeperActor } from '../../../src/actors/tracker/housekeeper.ts'
import type { TrackerParts } from '../../../src/actors/tracker/tracker-parts.ts'
import { createWriteAllowance } from '../../../src/domain/write-allowance.ts'
import type { EntriesApplied } from '../../../src/machines/tracker.ts'
import type { LogEvent } from '../../../src/wire/log-record.ts'
import { groupEvents, userEvents } from '../../../src/wire/subjects.ts'
import { MemoryLog } from '../../helpers/memory-log.ts'
import { until } from '../../helpers/until.ts'

const device = { user: 'ann', device: 'd00000000001' }
const created: LogEvent = { type: 'account.created', user: 'ann', passwordHash: 'h', at: 1 }
const deleted: LogEvent = { type: 'account.deleted', user: 'ann' }
const loggedIn = (at: number): LogEvent => ({
  type: 'device.logged-in',
  ...device,
  name: 'laptop',
  credentialHash: 'c',
  at,
})
const sys = {
  async requestMany() {
    return (async function* () {
      yield {}
    })()
  },
}

/** A tracker of that log whose housekeeper runs; `applied` tells it what the log brought. */
function tracker(t: ExecutionContext, log: MemoryLog) {
  const { projection, progress, eventLog, apply } = log.tracker()
  apply()
  const deviceUse = createDeviceUse(projection)
  const parts = {
    projection,
    progress,
    eventLog,
    deviceUse,
    connections: { sys },
    brokers: 1,
    writing: createWriteAllowance(writeTunables.limits, writeTunables.rememberedUsers),
    log: pino({ level: 'silent' }),
  } as unknown as TrackerParts
  const start = () => {
    let hear: (event: EntriesApplied) => void = () => {}
    const receive = (listener: typeof hear) => {
      hear = listener
    }
    const stop = housekeeperActor(parts)({ receive } as never) as () => void
    t.teardown(stop)
    return { applied: () => hear({ type: 'entries.applied', entries: log.entries }) }
  }
  return { projection, deviceUse, apply, start }
}

const groupsWithAnn = (log: MemoryLog, groups: readonly string[]) => {
  for (const group of groups) {
    log.write(groupEvents(group), [{ type: 'group.created', group, owner: 'ann', at: 1 }])
    log.write(groupEvents(group), [{ type: 'join.accepted', group, user: 'bo', at: 2 }])
  }
}

test('A deleted account leaves its groups, each to its next member, and its requests end.', async t => {
  const log = new MemoryLog()
  log.write(userEvents('ann'), [created])
  groupsWithAnn(log, ['reef', 'kelp'])
  log.write(groupEvents('wreck'), [{ type: 'group.created', group: 'wreck', owner: 'bo', at: 1 }])
  log.write(groupEvents('wreck'), [{ type: 'join.requested', group: 'wreck', user: 'ann', at: 1 }])
  const { projection, apply, start } = tracker(t, log)
  const { applied } = start()
  log.write(userEvents('ann'), [deleted])
  apply()
  applied()
  await until('the exits', () => projection.unfinishedExits().length === 0)
  t.deepEqual(
    ['reef', 'kelp'].map(group => projection.ownerOf(group)),
    ['bo', 'bo'],
  )
  t.false(projection.hasAskedToJoin('wreck', 'ann'))
})

test('Exits that a tracker left undone are finished by the next one that starts, and by two of them only once.', async t => {
  const log = new MemoryLog()
  log.write(userEvents('ann'), [created])
  const groups = Array.from({ length: 20 }, (_, index) => `g${index}`)
  groupsWithAnn(log, groups)
  log.write(userEvents('ann'), [deleted])
  // As far as a tracker came that died.
  log.write(groupEvents('g0'), [
    { type: 'member.left', group: 'g0', user: 'ann' },
    { type: 'owner.changed', group: 'g0', user: 'bo' },
  ])
  const two = [tracker(t, log), tracker(t, log)]
  t.is(two[0]!.projection.unfinishedExits().length, groups.length - 1)
  for (const { start } of two) start()
  for (const { projection } of two) await until('the exits', () => projection.unfinishedExits().length === 0)
  const exits = log.entries.flatMap(({ record }) => record?.events ?? []).filter(({ type }) => type === 'member.left')
  t.is(exits.length, groups.length)
})

test('The use of a device is recorded a week after its last record, and no sooner.', async t => {
  const log = new MemoryLog()
  const weekAgo = Date.now() - deviceTunables.recordUseEveryMs
  log.write(userEvents('ann'), [created, loggedIn(weekAgo + 60_000)])
  const { projection, deviceUse, apply, start } = tracker(t, log)
  deviceUse.note(device)
  t.deepEqual(deviceUse.take(), [])
  log.write(userEvents('ann'), [loggedIn(weekAgo - 1)])
  apply()
  deviceUse.note(device)
  deviceUse.note(device)
  start()
  await until('the record', () => (projection.usedAt(device) ?? 0) > weekAgo)
  t.like(log.entries.at(-1)?.record, { by: device, events: [{ type: 'device.used' }] })
  t.is(log.entries.length, 3)
})
