// What a device says to the trackers and hears from them, over a fake connection and with trackers that a test scripts.

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
import { ActorPort } from '../../../src/machines/actor-port.ts'
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
const revocation = { kind: 'membership', user: 'mallory', group: 'reef', seq } as const

/** The heartbeat of a device that serves these. `former` have left the group; `refusal` is what the trackers answer instead. */
function startHeartbeat(served: ServedShare[], former: readonly string[], refusal?: () => Refusal | undefined) {
  const asked: ServedShare[][] = []
  const heard: SessionServicesEvent[] = []
  let hear: (notice: Notice) => void = () => {}
  const connection = {
    subscribe: (_: string, { callback }: { callback: (error: null, message: Msg) => void }) => {
      hear = notice => callback(null, { data: Buffer.from(JSON.stringify(notice)) } as unknown as Msg)
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
    served: () => structuredClone(served),
    port: new ActorPort(),
    presence: () => ({ port: undefined, fetching: [] }),
    isRevoked: async () => false,
    onServers() {},
    onBrokers() {},
  })
  const parent = setup({ types: { events: {} as SessionServicesEvent }, actors: { heartbeat } }).createMachine({
    invoke: { id: 'heartbeat', src: 'heartbeat' },
    on: { '*': { actions: ({ event }) => heard.push(event) } },
  })
  const actor = createActor(parent).start()
  const peerAdmitted = () => actor.getSnapshot().children.heartbeat?.send({ type: 'peer.admitted' } as never)
  return { asked, heard, peerAdmitted, hear: (notice: Notice) => hear(notice), stop: () => actor.stop() }
}

const settled = () => new Promise(setImmediate)

test('A peer with a ticket from before its removal loses access even when the notice was lost.', async t => {
  const served: ServedShare[] = []
  const { heard, peerAdmitted, stop } = startHeartbeat(served, ['mallory'])
  served.push(shareOf('mallory'))
  peerAdmitted()
  await settled()
  t.deepEqual(heard, [{ type: 'access.revoked', revocation }, { type: 'notices.missed' }])
  stop()
})

test('A peer that connects while the trackers are being asked is included in the next question.', async t => {
  const served = [shareOf('bob')]
  const { asked, peerAdmitted, stop } = startHeartbeat(served, [])
  served[0] = shareOf('bob', 'carol')
  peerAdmitted()
  peerAdmitted()
  await settled()
  t.deepEqual(
    asked.map(([share]) => share?.holders.length),
    [1, 2],
  )
  stop()
})

test('A heartbeat that starts asks about every peer that is served, because it may have missed notices.', async t => {
  const { heard, stop } = startHeartbeat([shareOf('mallory')], ['mallory'])
  await settled()
  t.like(heard, [{ type: 'access.revoked', revocation }])
  stop()
})

test('A removal withdraws access; for the removed user it is also news for downloads and shares.', t => {
  const { heard, hear, stop } = startHeartbeat([], [])
  hear({ type: 'access.revoked', seq, group: 'reef', user: 'mallory' })
  t.deepEqual(heard, [{ type: 'access.revoked', revocation }])
  const own: Notice = { type: 'access.revoked', seq, group: 'reef', user: 'alice' }
  hear(own)
  hear(own)
  t.deepEqual(heard.slice(1), [
    { type: 'access.revoked', revocation: { ...revocation, user: 'alice' } },
    { type: 'notice.received', notice: own },
  ])
  stop()
})

test('A device logs out when the trackers say that it is logged out.', async t => {
  const { heard, stop } = startHeartbeat([shareOf('bob')], [], () => refuse('not-logged-in', 'logged out'))
  await settled()
  t.deepEqual(heard, [{ type: 'session.revoked' }])
  stop()
})

test.serial(
  'The trackers are asked regularly about the peers that are served, even after they did not answer.',
  async t => {
    mock.timers.enable({ apis: ['setInterval'] })
    t.teardown(() => mock.timers.reset())
    let isAway = true
    const served = [shareOf('mallory')]
    const { asked, heard, stop } = startHeartbeat(served, ['mallory'], () =>
      isAway ? refuse('unreachable', 'no tracker') : undefined,
    )
    await settled()
    t.deepEqual(heard, [])
    isAway = false
    mock.timers.tick(uploadTunables.recheckEveryMs)
    await settled()
    t.like(heard, [{ type: 'access.revoked', revocation }])
    served.length = 0
    mock.timers.tick(uploadTunables.recheckEveryMs + presenceTunables.heartbeatEveryMs)
    await settled()
    t.is(asked.length, 2, 'no one is served, so nothing is asked')
    stop()
  },
)
