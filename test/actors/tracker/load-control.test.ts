import test from 'ava'
import type { Msg, MsgCallback } from 'nats'
import pino from 'pino'
import { loadTunables } from '../../../config/load.ts'
import { createLoadControl, type LoadSettings, type Room } from '../../../src/actors/tracker/load-control.ts'
import { type MessageSource, sourceOfDevice, sourceOfGuest } from '../../../src/actors/tracker/message-source.ts'
import type { PolicerLimits } from '../../../src/domain/policer.ts'
import { presenceSubject, signUpSubject } from '../../../src/wire/subjects.ts'

const limits: PolicerLimits = {
  admitted: { messages: { burst: 10, perSecond: 1 }, bytes: { burst: 1_000, perSecond: 100 } },
  tolerated: { messages: { burst: 30, perSecond: 10 }, bytes: { burst: 5_000, perSecond: 1_000 } },
  largestBytes: 4_000,
}
const rooms = Object.fromEntries(Object.keys(loadTunables.rooms).map(room => [room, limits])) as LoadSettings['rooms']
const settings: LoadSettings = { ...loadTunables, rooms, devicesPerUser: 2, refusedForMs: 60_000, kickAgainMs: 500 }

const deviceOf = (user: string, digit = '0') =>
  sourceOfDevice(presenceSubject({ user, device: digit.repeat(12) }, '10.0.0.1'))!

/** Two trackers that hear each other, and whose connections the brokers were told to close. */
function fixture() {
  const clock = { nowMs: 0 }
  const lines: string[] = []
  const log = pino({}, { write: line => void lines.push(line) })
  const hearing: MsgCallback<Msg>[] = []
  const kicked: string[] = []
  const auth = {
    publish: (_: string, data: unknown) => {
      // A tracker hears itself, too.
      for (const hear of hearing) void hear(null, { data: Buffer.from(String(data)) } as never)
    },
    subscribe: (_: string, options: { callback?: MsgCallback<Msg> }) => {
      hearing.push(options.callback!)
      return { unsubscribe() {} } as never
    },
    isClosed: () => false,
  }
  const sys = {
    async requestMany(_: string, data: unknown) {
      kicked.push((JSON.parse(String(data)) as { user: string }).user)
      return (async function* () {})() as never
    },
    request: () => Promise.reject(new Error('nothing to close')),
  }
  const [one, two] = ['t1', 't2'].map(name =>
    createLoadControl({ name, log }, { auth, sys }, settings, () => clock.nowMs),
  ) as [ReturnType<typeof createLoadControl>, ReturnType<typeof createLoadControl>]
  const send = (count: number, source: MessageSource, room: Room = 'reads', bytes = 1) =>
    Array.from({ length: count }, () => one.admits(room, source, bytes)).filter(Boolean).length
  return { clock, lines, kicked, hearing, one, two, send }
}

test('What waits may be answered until its sender, or its user’s devices together, are answered too much or cut off.', t => {
  const { one, send } = fixture()
  const [first, second, ann] = [deviceOf('eve', '1'), deviceOf('eve', '2'), deviceOf('ann')]
  t.true(one.mayAnswer('reads', first))
  one.charge('reads', first, 1_001)
  t.false(one.mayAnswer('reads', first))
  t.true(one.mayAnswer('writes', first), 'each room counts apart')
  t.true(one.mayAnswer('reads', second))
  one.charge('reads', second, 1_000)
  t.false(one.mayAnswer('reads', second), 'two devices may have twice as much')
  t.true(one.mayAnswer('reads', ann))
  send(100, ann)
  t.false(one.mayAnswer('reads', ann), 'cut off')
})

test('A source that floods is cut off once, and neither heard nor let in by any tracker for a while.', t => {
  const { clock, lines, kicked, one, two, send } = fixture()
  const [eve, ann] = [deviceOf('eve'), deviceOf('ann')]
  t.is(send(30, eve), 10)
  t.false(one.isRefused(eve), 'dropped, and no more')
  send(100, eve)
  t.deepEqual(kicked, [eve.connection])
  t.is(lines.length, 1)
  for (const tracker of [one, two]) {
    t.true(tracker.isRefused(eve))
    t.false(tracker.admits('presence', eve, 1), 'in no room')
    t.false(tracker.isRefused(ann))
    t.true(tracker.admits('reads', ann, 1))
  }
  clock.nowMs = 59_999
  t.true(two.isRefused(eve))
  clock.nowMs = 60_000
  for (const tracker of [one, two]) t.false(tracker.isRefused(eve))
  t.true(one.admits('reads', eve, 1))
})

test('While a source that was cut off is still heard, its connections are closed again.', t => {
  const { clock, kicked, two, send } = fixture()
  const eve = deviceOf('eve')
  send(100, eve)
  clock.nowMs = 400
  two.admits('reads', eve, 1)
  t.is(kicked.length, 1)
  clock.nowMs = 600
  for (let time = 0; time < 10; time++) two.admits('reads', eve, 1)
  t.is(kicked.length, 2)
})

test('What a device sends too much of does not silence what else it sends.', t => {
  const { one, send } = fixture()
  const ann = deviceOf('ann')
  send(20, ann, 'reads')
  t.false(one.admits('reads', ann, 1))
  t.true(one.admits('presence', ann, 1))
  t.true(one.admits('writes', ann, 1))
})

test('Devices of one user are counted together as well, and only the one that goes on is cut off.', t => {
  const { one, kicked, send } = fixture()
  const devices = ['1', '2', '3'].map(digit => deviceOf('eve', digit))
  t.deepEqual(
    devices.map(device => send(10, device)),
    [10, 10, 0],
  )
  t.is(send(10, deviceOf('ann')), 10)
  send(40, devices[2]!)
  t.deepEqual(kicked, [devices[2]!.connection])
  t.false(one.isRefused(devices[0]!))
})

test('Large answers delay a device’s next request, and never cut it off.', t => {
  const { clock, one, kicked } = fixture()
  const ann = deviceOf('ann')
  t.true(one.admits('reads', ann, 1))
  one.charge('reads', ann, 20_000)
  t.false(one.admits('reads', ann, 1))
  clock.nowMs = 200_000
  t.true(one.admits('reads', ann, 1))
  t.deepEqual(kicked, [])
})

test('Guests are counted by the origin that the broker saw.', t => {
  const { one, send } = fixture()
  const at = (host: string) => sourceOfGuest(signUpSubject(host))
  send(100, at('2001:db8:1:2::7'), 'sign-ups', 0)
  t.true(one.isRefused(at('2001:db8:1:2::8')))
  t.false(one.isRefused(at('2001:db8:1:3::7')))
  t.false(one.isRefused(at('10.0.0.1')))
})

test('Connections from one origin that come too fast have to wait, and others do not.', t => {
  const { clock, one } = fixture()
  const { burst, perSecond } = settings.connections
  for (let time = 0; time < burst; time++) t.true(one.admitsConnection('10.0.0.1'))
  t.false(one.admitsConnection('10.0.0.1'))
  t.true(one.admitsConnection('10.0.0.2'))
  clock.nowMs = 1_000 / perSecond
  t.true(one.admitsConnection('10.0.0.1'))
})

test('A malformed message of another tracker changes nothing.', t => {
  const { one, hearing } = fixture()
  const eve = deviceOf('eve')
  for (const text of [
    '',
    'null',
    '{}',
    JSON.stringify({ by: 't9', source: { connection: eve.connection }, forMs: -1 }),
  ])
    for (const hear of hearing) t.notThrows(() => hear(null, { data: Buffer.from(text) } as never))
  t.false(one.isRefused(eve))
})
