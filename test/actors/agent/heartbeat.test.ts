// What a device says and hears, over a connection that does nothing, and trackers that answer as a test says.

import { mock } from 'node:test'
import test from 'ava'
import type { Msg, NatsConnection } from 'nats'
import { createActor, setup } from 'xstate'
import { presenceTunables } from '../../../config/client.ts'
import { uploadTunables } from '../../../config/swarm.ts'
import { createHeartbeat } from '../../../src/actors/agent/heartbeat.ts'
import type { TrackerClient } from '../../../src/actors/client/tracker-client.ts'
import type { DeviceRef } from '../../../src/domain/device-ref.ts'
import { done, type Refusal, refuse } from '../../../src/domain/refusal.ts'
import type { SessionServicesEvent } from '../../../src/machines/session-services.ts'
import type { Notice } from '../../../src/wire/notice.ts'
import type { ServedShare } from '../../../src/wire/tracker-api.ts'

const alice: DeviceRef = { user: 'alice', device: 'aaaaaaaaaaaa' }
const holder = (user: string): DeviceRef => ({ user, device: 'bbbbbbbbbbbb' })
const shareOf = (...users: string[]): ServedShare => ({
  share: 'f'.repeat(32),
  group: 'reef',
  name: 'film.bin',
  isRecorded: true,
  holders: users.map(holder),
})
const seq = 7
const withdrawal = { kind: 'membership', user: 'mallory', group: 'reef', seq } as const

/** A heartbeat of a device that serves these, in a group that `former` are in no more; `refusal` is what trackers say instead. */
function startLine(served: ServedShare[], former: readonly string[], refusal?: () => Refusal | undefined) {
  const asked: ServedShare[][] = []
  const heard: SessionServicesEvent[] = []
  let hear: (notice: Notice) => void = () => {}
  const connection = {
    subscribe: (_: string, { callback }: { callback: (error: null, message: Msg) => void }) => {
      hear = notice => callback(null, { string: () => JSON.stringify(notice) } as Msg)
      return { unsubscribe() {} }
    },
    async *status() {},
    isClosed: () => false,
  } as unknown as NatsConnection
  const trackers = {
    advance() {},
    async ask(_: 'serving.recheck', { shares }: { shares: ServedShare[] }) {
      asked.push(shares)
      const gone = shares.flatMap(({ holders }) => holders.filter(({ user }) => former.includes(user)))
      const withdrawn = gone.map(({ user }) => ({ kind: 'membership', user, group: 'reef' }))
      return refusal?.() ?? done({ seq, withdrawn })
    },
  }
  const heartbeat = createHeartbeat({
    connection,
    by: alice,
    trackers: trackers as unknown as TrackerClient,
    fetching: () => [],
    served: () => structuredClone(served),
    port: () => undefined,
    isRevoked: async () => false,
    onServers() {},
  })
  const parent = setup({ types: { events: {} as SessionServicesEvent }, actors: { heartbeat } }).createMachine({
    invoke: { id: 'heartbeat', src: 'heartbeat' },
    on: { '*': { actions: ({ event }) => heard.push(event) } },
  })
  const actor = createActor(parent).start()
  const guestServed = () => actor.getSnapshot().children.heartbeat?.send({ type: 'peer.admitted' } as never)
  return { asked, heard, guestServed, hear: (notice: Notice) => hear(notice), stop: () => actor.stop() }
}

const turn = () => new Promise(setImmediate)

test('Who comes with a ticket from before they were removed, unheard, loses their access.', async t => {
  const served: ServedShare[] = []
  const { heard, guestServed, stop } = startLine(served, ['mallory'])
  served.push(shareOf('mallory'))
  guestServed()
  await turn()
  t.deepEqual(heard, [{ type: 'access.withdrawn', withdrawal }, { type: 'notices.missed' }])
  stop()
})

test('Whoever comes while the trackers are being asked is asked for next.', async t => {
  const served = [shareOf('bob')]
  const { asked, guestServed, stop } = startLine(served, [])
  served[0] = shareOf('bob', 'carol')
  guestServed()
  guestServed()
  await turn()
  t.deepEqual(
    asked.map(([share]) => share?.holders.length),
    [1, 2],
  )
  stop()
})

test('A heartbeat that starts asks about everybody who is served: it may have missed what was said before.', async t => {
  const { heard, stop } = startLine([shareOf('mallory')], ['mallory'])
  await turn()
  t.like(heard, [{ type: 'access.withdrawn', withdrawal }])
  stop()
})

test('A removal is heard by whoever serves; by the one who was removed, as news for downloads and shares too.', t => {
  const { heard, hear, stop } = startLine([], [])
  hear({ type: 'access.revoked', seq, group: 'reef', user: 'mallory' })
  t.deepEqual(heard, [{ type: 'access.withdrawn', withdrawal }])
  const own: Notice = { type: 'access.revoked', seq, group: 'reef', user: 'alice' }
  hear(own)
  hear(own)
  t.deepEqual(heard.slice(1), [
    { type: 'access.withdrawn', withdrawal: { ...withdrawal, user: 'alice' } },
    { type: 'notice.received', notice: own },
  ])
  stop()
})

test('A device of which the trackers say that it is logged out takes their word.', async t => {
  const { heard, stop } = startLine([shareOf('bob')], [], () => refuse('not-logged-in', 'logged out'))
  await turn()
  t.deepEqual(heard, [{ type: 'session.revoked' }])
  stop()
})

test.serial('Trackers are asked again and again about whoever is served, also after they did not answer.', async t => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  let isAway = true
  const served = [shareOf('mallory')]
  const { asked, heard, stop } = startLine(served, ['mallory'], () =>
    isAway ? refuse('unreachable', 'nobody there') : undefined,
  )
  await turn()
  t.deepEqual(heard, [])
  isAway = false
  mock.timers.tick(uploadTunables.recheckEveryMs)
  await turn()
  t.like(heard, [{ type: 'access.withdrawn', withdrawal }])
  served.length = 0
  mock.timers.tick(uploadTunables.recheckEveryMs + presenceTunables.heartbeatEveryMs)
  await turn()
  t.is(asked.length, 2, 'nobody is served, so nobody is asked about')
  stop()
})
