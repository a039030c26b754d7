// What a device says and hears, over a connection that does nothing, and trackers that answer as a test says.

import test from 'ava'
import type { NatsConnection } from 'nats'
import { createActor, setup } from 'xstate'
import { createLine } from '../../../src/actors/agent/line.ts'
import type { TrackerClient } from '../../../src/actors/tracker-client.ts'
import { done } from '../../../src/domain/refusal.ts'
import type { HouseholdEvent } from '../../../src/machines/household.ts'

const connection = {
  subscribe: () => ({ unsubscribe() {} }),
  async *status() {},
  isClosed: () => false,
} as unknown as NatsConnection

type Link = { user: string; group: string }

/** A line of a device that serves these, in a group that `former` are in no more. */
function startLine(served: Link[], former: readonly string[]) {
  const asked: Link[][] = []
  const heard: HouseholdEvent[] = []
  const trackers = {
    advance() {},
    async ask(_: 'links.recheck', { links }: { links: Link[] }) {
      asked.push(links)
      return done({ revoked: links.filter(({ user }) => former.includes(user)) })
    },
  }
  const line = createLine({
    connection,
    by: { user: 'alice', device: 'aaaaaaaaaaaa' },
    trackers: trackers as unknown as TrackerClient,
    fetching: () => [],
    served: () => [...served],
    port: () => undefined,
    isRevoked: async () => false,
    onServers() {},
  })
  const parent = setup({ types: { events: {} as HouseholdEvent }, actors: { line } }).createMachine({
    invoke: { id: 'line', src: 'line' },
    on: { '*': { actions: ({ event }) => heard.push(event) } },
  })
  const actor = createActor(parent).start()
  const guestServed = () => actor.getSnapshot().children.line?.send({ type: 'guest.served' } as never)
  return { asked, heard, guestServed, stop: () => actor.stop() }
}

const turn = () => new Promise(setImmediate)

test('Who comes with a ticket from before they were removed, unheard, loses their access.', async t => {
  const { heard, guestServed, stop } = startLine([{ user: 'mallory', group: 'reef' }], ['mallory'])
  guestServed()
  await turn()
  t.deepEqual(heard, [{ type: 'access.withdrawn', user: 'mallory', group: 'reef' }])
  stop()
})

test('Whoever comes while the trackers are being asked is asked for next.', async t => {
  const served = [{ user: 'bob', group: 'reef' }]
  const { asked, heard, guestServed, stop } = startLine(served, ['mallory'])
  guestServed()
  served.push({ user: 'mallory', group: 'reef' })
  guestServed()
  guestServed()
  await turn()
  t.deepEqual(
    asked.map(links => links.length),
    [1, 2],
  )
  t.is(heard.length, 1)
  stop()
})
