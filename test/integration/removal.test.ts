// Withdrawn access on a real cluster. The peer that loses it here is not an agent that would stop by itself: it keeps its
// tickets, ignores notices, and takes whatever it is given. Uploads follow a clock that the test moves, so a transfer
// lasts as long as the test needs.

import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import anyTest, { type ExecutionContext, type TestFn } from 'ava'
import type { NatsConnection } from 'nats'
import { peerTunables } from '../../config/swarm.ts'
import { askAccount } from '../../src/actors/client/account-client.ts'
import { askAll } from '../../src/actors/client/ask-all.ts'
import { connectBroker, LoginRefused } from '../../src/actors/client/broker-connection.ts'
import { downloadDocument, downloadLine } from '../../src/cli/render/downloads.ts'
import { askAsOperator } from '../../src/cluster/operator-requests.ts'
import { makePassword } from '../../src/cluster/random-password.ts'
import type { DeviceRef } from '../../src/domain/device-ref.ts'
import { pieceCount, shareId } from '../../src/domain/manifest.ts'
import type { LogEvent } from '../../src/wire/log-record.ts'
import { groupEvents, userEvents } from '../../src/wire/subjects.ts'
import type { Swarm, SwarmPeer } from '../../src/wire/tracker-api.ts'
import { type AgentDevice, agentDevice, randomFile } from '../helpers/agent-device.ts'
import { startCluster, type TestCluster } from '../helpers/cluster.ts'
import { granted } from '../helpers/granted.ts'
import { manifestOf } from '../helpers/manifest-of.ts'
import {
  admit,
  byPassword,
  logIn,
  logOut,
  onDevice,
  type Person,
  passwordOf,
  person,
  signUp,
} from '../helpers/person.ts'
import { openPersonsRelay } from '../helpers/persons-relay.ts'
import { type RawFetcher, startRawFetcher } from '../helpers/raw-peer.ts'
import { until } from '../helpers/until.ts'
import { type VirtualClock, virtualClock } from '../helpers/virtual-clock.ts'
import { withShared } from '../helpers/with-shared.ts'
import { writeLog } from '../helpers/write-log.ts'

const test = withShared(anyTest.serial as TestFn<TestCluster>, t => startCluster(t, { brokers: 1, trackers: 1 }))

const MiB = 2 ** 20
const name = 'big.bin'
let groups = 0

interface Serving extends AgentDevice {
  readonly clock: VirtualClock
}

interface Reef {
  readonly group: string
  readonly alice: Serving
  readonly file: string
  /** One more member, without an agent. */
  member(user: string): Promise<Person>
  /** One more member, with an agent. */
  agent(user: string): Promise<Serving>
}

/** Lets these see whatever any of them has seen. */
function tell(...people: Person[]): void {
  const seen = Math.max(...people.map(({ trackers }) => trackers.seen))
  for (const { trackers } of people) trackers.advance(seen)
}

/** A group whose owner shares a file of 32 pieces, at a rate that only her clock lets pass. */
async function reef(t: ExecutionContext<TestCluster>): Promise<Reef> {
  const { servers } = t.context
  groups += 1
  const suffix = groups
  const group = `reef${suffix}`
  const serving = async (who: Person): Promise<Serving> => {
    const clock = virtualClock()
    const device = await agentDevice(t, servers, who, { clock })
    await device.ask('limits.change', { up: MiB })
    return { ...device, clock }
  }
  const owner = await person(t, servers, `alice-${suffix}`)
  granted(await owner.trackers.ask('group.create', { group }))
  const alice = await serving(owner)
  const file = randomFile(alice.folder, name, 16 * MiB)
  await alice.ask('share', { path: file, group })
  owner.trackers.advance(alice.home.seen())
  const member = async (user: string) => {
    const one = await person(t, servers, `${user}-${suffix}`)
    await admit(owner, group, one)
    return one
  }
  return { group, alice, file, member, agent: async user => serving(await member(user)) }
}

async function locate(who: Person, group: string, from: DeviceRef): Promise<{ swarm: Swarm; peer: SwarmPeer }> {
  for (;;) {
    const swarm = granted(await who.trackers.ask('swarm.locate', { group, name }))
    const peer = swarm.peers.find(({ user, device }) => user === from.user && device === from.device)
    if (peer) return { swarm, peer }
    await delay(20)
  }
}

const statusOf = (device: AgentDevice) => device.ask('status', {})

interface Taker {
  readonly fetcher: RawFetcher
  /** Comes again with the ticket it has: the goodbye that it gets, or the bitfield. */
  comesAgain(): Promise<{ type: string; retry?: boolean }>
}

const asActor = ({ user, device }: DeviceRef): DeviceRef => ({ user, device })

/** Has asked one device for half of the file, and heeds nothing from then on. */
async function take(
  t: ExecutionContext,
  who: Person,
  group: string,
  from: DeviceRef,
  over?: (peer: SwarmPeer) => Duplex,
): Promise<Taker> {
  const { swarm, peer } = await locate(who, group, from)
  const { manifest } = swarm
  const connect = () => startRawFetcher(peer, manifest, asActor(who), over?.(peer))
  const fetcher = await connect()
  t.teardown(() => fetcher[Symbol.dispose]())
  const ask = (piece: number, offset: number) =>
    fetcher.send({ type: 'request', piece, offset, length: peerTunables.blockBytes })
  /** A piece that already went to another peer has to be asked for twice. */
  const insist = async () => {
    for (;;) {
      const { piece, offset, why } = await fetcher.next('refused')
      if (why === 'declined') ask(piece, offset)
    }
  }
  await fetcher.next('bitfield')
  for (let piece = 0; piece < pieceCount(manifest) / 2; piece += 1)
    for (let offset = 0; offset < manifest.pieceLength; offset += peerTunables.blockBytes) ask(piece, offset)
  insist()
  return {
    fetcher,
    async comesAgain() {
      const again = await connect()
      t.teardown(() => again[Symbol.dispose]())
      return Promise.race([again.next('bye'), again.next('bitfield')])
    },
  }
}

/** Moves the clock, not much faster than time goes, until so much more has come: the transfer is under way. */
async function flows({ fetcher }: Taker, { clock }: Serving, bytes = MiB / 4): Promise<void> {
  const enough = fetcher.blockBytes() + bytes
  while (fetcher.blockBytes() < enough) {
    clock.advance(5)
    await delay(1)
  }
}

/** It has been cut off: nothing comes however much time passes, nor with the ticket that it has. */
async function hasStopped(t: ExecutionContext, taker: Taker, { clock }: Serving, retry = false): Promise<void> {
  await taker.fetcher.closed
  const taken = taker.fetcher.blockBytes()
  t.true(taken < 8 * MiB, 'it had everything before it was cut off')
  clock.advance(60_000)
  t.like(await taker.comesAgain(), { type: 'bye', retry })
  t.is(taker.fetcher.blockBytes(), taken)
}

/** Resolves once the brokers have closed that connection. */
async function isHungUp(connection: NatsConnection): Promise<void> {
  for await (const { type } of connection.status()) if (type === 'disconnect') return
}

/** Logs that while no tracker is there to tell anybody, as one does that dies right after it has logged something. */
async function logUnheard(cluster: TestCluster, subject: string, events: LogEvent[]): Promise<void> {
  await cluster.kill('t1')
  await writeLog(cluster, new Map([[subject, [events]]]))
  await cluster.start('t1')
}

test('Removing a member ends the uploads to all of their devices, direct and relayed.', async t => {
  const { group, alice, member } = await reef(t)
  const mallory = await member('mallory')
  const second = await onDevice(t, t.context.servers, mallory.user)
  const relay = openPersonsRelay(t, t.context.servers, second)
  const direct = await take(t, mallory, group, alice.person)
  const relayed = await take(t, second, group, alice.person, relay.connect)
  await flows(direct, alice)
  await flows(relayed, alice)
  granted(await alice.person.trackers.ask('group.remove', { group, user: mallory.user }))
  await hasStopped(t, direct, alice)
  await hasStopped(t, relayed, alice)
  t.like(await mallory.trackers.ask('swarm.locate', { group, name }), { code: 'not-member' })
})

/** Records, as large as they may be, in which that device begins to share so many files of long names. */
function shareMany(group: string, by: DeviceRef, files: number): { names: string[]; records: LogEvent[][] } {
  const names = Array.from({ length: files }, (_, index) => `${index}-`.padEnd(250, 'x'))
  const events = names.map((name): LogEvent[] => {
    const manifest = manifestOf(name, Buffer.alloc(0))
    return [
      { type: 'share.created', group, id: shareId(group, manifest), manifest },
      { type: 'sharer.added', group, name, ...by },
    ]
  })
  const records: LogEvent[][] = []
  for (let from = 0; from < files; from += 500) records.push(events.slice(from, from + 500).flat())
  return { names, records }
}

test('A member who shares thousands of files is removed, and leaves, like any other.', async t => {
  const { group, alice, member } = await reef(t)
  const [mallory, carol] = [await member('mallory'), await member('carol')]
  for (const part of ['group.remove', 'group.leave'] as const) {
    const { names, records } = shareMany(group, asActor(mallory), 3_000)
    carol.trackers.advance(await writeLog(t.context, new Map([[groupEvents(group), records]])))
    const last = names.at(-1)!
    t.like(granted(await carol.trackers.ask('swarm.locate', { group, name: last })), { sharers: 1 })
    tell(alice.person, mallory, carol)
    if (part === 'group.leave') granted(await mallory.trackers.ask(part, { group }))
    else granted(await alice.person.trackers.ask(part, { group, user: mallory.user }))
    tell(alice.person, mallory, carol)
    t.deepEqual(
      granted(await askAll(carol.trackers, 'group.files', { group })).map(file => file.name),
      [name],
    )
    t.like(await carol.trackers.ask('swarm.locate', { group, name: last }), { code: 'no-such-file' })
    t.deepEqual(granted(await askAll(mallory.trackers, 'agent.shares', {})), [])
    await admit(alice.person, group, mallory)
  }
})

test('Transfers to remaining members continue while others are cut off.', async t => {
  const { group, alice, member } = await reef(t)
  const [mallory, carol] = [await member('mallory'), await member('carol')]
  const cut = await take(t, mallory, group, alice.person)
  const kept = await take(t, carol, group, alice.person)
  await flows(cut, alice)
  await flows(kept, alice)
  granted(await mallory.trackers.ask('group.leave', { group }))
  await cut.fetcher.closed
  await flows(kept, alice)
  t.pass()
})

test('A member who leaves and is accepted again at once is served with a new ticket, and not with the earlier one.', async t => {
  const { group, alice, member } = await reef(t)
  const mallory = await member('mallory')
  const before = await take(t, mallory, group, alice.person)
  await flows(before, alice)
  granted(await mallory.trackers.ask('group.leave', { group }))
  await admit(alice.person, group, mallory)
  const after = await take(t, mallory, group, alice.person)
  await flows(after, alice)
  await before.fetcher.closed
  t.like(await before.comesAgain(), { type: 'bye', retry: false })
  await flows(after, alice)
})

test('A user whose join request is rejected gets nothing, before or after.', async t => {
  const { group, alice } = await reef(t)
  const mallory = await person(t, t.context.servers, `mallory-${groups}`)
  tell(alice.person, mallory)
  granted(await mallory.trackers.ask('group.join', { group }))
  t.like(await mallory.trackers.ask('swarm.locate', { group, name }), { code: 'not-member' })
  tell(alice.person, mallory)
  granted(await alice.person.trackers.ask('group.reject', { group, user: mallory.user }))
  tell(alice.person, mallory)
  t.like(await mallory.trackers.ask('swarm.locate', { group, name }), { code: 'not-member' })
})

test('Logging a device out ends the uploads to it, and leaves its user’s other devices alone.', async t => {
  const { group, alice, member } = await reef(t)
  const mallory = await member('mallory')
  const second = await onDevice(t, t.context.servers, mallory.user)
  const gone = await take(t, mallory, group, alice.person)
  const kept = await take(t, second, group, alice.person)
  await flows(gone, alice)
  granted(await logOut(mallory))
  await hasStopped(t, gone, alice)
  t.like(await kept.comesAgain(), { type: 'bitfield' })
})

interface LockOut {
  /** What the owner of stolen devices does on another one, with the password. */
  act(servers: readonly string[], owner: Person, stolen: readonly DeviceRef[]): Promise<void>
  isPasswordValid?: true
  isAccountGone?: true
}
const lockOuts: Record<string, LockOut> = {
  'A new password that logs the other devices out': {
    async act(servers, owner) {
      const password = `new ${passwordOf(owner.user)}`
      granted(await byPassword(servers, owner, 'change-password', { password, logOutOthers: true }))
    },
  },
  'Logging devices out from another one': {
    async act(servers, owner, stolen) {
      for (const { device } of stolen) granted(await byPassword(servers, owner, 'revoke-device', { device }))
    },
    isPasswordValid: true,
  },
  'Deleting the account': {
    async act(servers, owner) {
      granted(await byPassword(servers, owner, 'delete', {}))
    },
    isAccountGone: true,
  },
}
for (const [what, { act, isPasswordValid, isAccountGone }] of Object.entries(lockOuts))
  test(`${what} ends a thief’s transfers, direct and relayed, and connections to brokers, and keeps the thief out.`, async t => {
    const { servers } = t.context
    const { group, alice, member } = await reef(t)
    const mallory = await member('mallory')
    const [first, second] = [await onDevice(t, servers, mallory.user), await onDevice(t, servers, mallory.user)]
    const relay = openPersonsRelay(t, servers, second)
    const direct = await take(t, first, group, alice.person)
    const relayed = await take(t, second, group, alice.person, relay.connect)
    await flows(direct, alice)
    await flows(relayed, alice)
    t.is((await statusOf(alice)).peers, 2)
    const hungUp = Promise.all([first, second].map(({ connection }) => isHungUp(connection)))
    await act(servers, mallory, [first, second])
    await hungUp
    await hasStopped(t, direct, alice)
    await until('alice serves neither', async () => (await statusOf(alice)).peers === 0)
    t.true(relayed.fetcher.blockBytes() < 8 * MiB, 'it had everything before it was cut off')
    for (const device of [first, second]) {
      const login = { kind: 'device' as const, ...asActor(device), credential: device.credential }
      await t.throwsAsync(connectBroker(servers, login, 'test'), { instanceOf: LoginRefused })
    }
    if (isPasswordValid) await t.notThrowsAsync(logIn(servers, mallory.user))
    else await t.throwsAsync(logIn(servers, mallory.user), { instanceOf: LoginRefused })
    if (isAccountGone) t.like(await signUp(servers, mallory.user), { value: { ok: false, code: 'user-exists' } })
    else granted(await mallory.trackers.ask('group.files', { group }))
  })

test('A thief who proved the old password before it was changed can do nothing with that.', async t => {
  const { servers } = t.context
  const mallory = await person(t, servers, `mallory-proof-${groups}`)
  const { user } = mallory
  const early = await connectBroker(servers, { kind: 'password', user, password: passwordOf(user) }, 'test')
  t.teardown(() => early.close())
  const password = `new ${passwordOf(user)}`
  granted(await byPassword(servers, mallory, 'change-password', { password, logOutOthers: true }))
  const credentialHash = 'a'.repeat(64)
  const asking = { user, device: 'ffffffffffff' }
  t.like(await askAccount(early, asking, 'log-in', { name: 'thief', credentialHash }), { code: 'bad-credentials' })
  t.deepEqual(
    granted(await mallory.trackers.ask('device.list', {})).map(({ device }) => device),
    [mallory.device],
  )
})

test('A deleted account’s groups go to their next members even if the tracker that recorded it dies at once.', async t => {
  const { group, alice, agent } = await reef(t)
  const bob = await agent('bob')
  const { user, device } = alice.person
  await logUnheard(t.context, userEvents(user), [
    { type: 'device.logged-out', user, device },
    { type: 'account.deleted', user },
  ])
  await until('bob owns the group alone', async () => {
    const members = granted(await bob.person.trackers.ask('group.members', { group }))
    return members.length === 1 && members[0]?.user === bob.person.user && members[0].role === 'owner'
  })
  t.deepEqual(granted(await bob.person.trackers.ask('group.files', { group })).rows, [])
})

test('A disabled user’s devices serve and get nothing, learn why, and continue as before once the account is enabled.', async t => {
  const { servers, folder } = t.context
  const { group, alice, file, agent, member } = await reef(t)
  const bob = await agent('bob')
  const { user } = bob.person
  await bob.ask('share', { path: file, group })
  const carol = await member('carol')
  tell(carol, bob.person)
  const byBob = await take(t, bob.person, group, alice.person)
  const fromBob = await take(t, carol, group, bob.person)
  await flows(byBob, alice)
  await flows(fromBob, bob)

  const portOfBob = async () => (await locate(carol, group, bob.person)).peer.port
  const before = await portOfBob()
  granted(await askAsOperator({ folder, servers }, 'user.disable', { user }))
  await hasStopped(t, byBob, alice)
  await fromBob.fetcher.closed
  t.like(await bob.person.trackers.ask('group.list', {}), { code: 'disabled' })
  await t.throwsAsync(logIn(servers, user), { message: /"code":"disabled"/ })
  await t.throwsAsync(logIn(servers, user, 'a wrong password'), { instanceOf: LoginRefused })
  t.truthy(bob.home.session())

  granted(await askAsOperator({ folder, servers }, 'user.enable', { user }))
  // His agent listens anew.
  while ((await portOfBob()) === before) await delay(20)
  t.like(await (await take(t, carol, group, bob.person)).comesAgain(), { type: 'bitfield' })
  await take(t, bob.person, group, alice.person)
})

test('A reset password logs out every device, and is the only one that lets its user in.', async t => {
  const { servers, folder } = t.context
  const { group, alice, member } = await reef(t)
  const mallory = await member('mallory')
  const { user } = mallory
  const taker = await take(t, mallory, group, alice.person)
  await flows(taker, alice)
  const { password, passwordHash } = await makePassword()
  granted(await askAsOperator({ folder, servers }, 'user.reset', { user, passwordHash }))
  await hasStopped(t, taker, alice)
  const refused = { instanceOf: LoginRefused }
  await t.throwsAsync(connectBroker(servers, { kind: 'device', ...mallory }, 'test'), refused)
  await t.throwsAsync(logIn(servers, user), refused)
  await t.notThrowsAsync(logIn(servers, user, password))
})

test('A device that unshares a file stops serving it, and the other sharers go on.', async t => {
  const { group, alice, file, agent, member } = await reef(t)
  const bob = await agent('bob')
  await bob.ask('share', { path: file, group })
  const carol = await member('carol')
  tell(carol, bob.person)
  const fromAlice = await take(t, carol, group, alice.person)
  const fromBob = await take(t, carol, group, bob.person)
  await flows(fromAlice, alice)
  await flows(fromBob, bob)
  await bob.ask('unshare', { group, name })
  await hasStopped(t, fromBob, bob, true)
  await flows(fromAlice, alice)
})

/** Events without a notice: only the trackers know of them, and tell only when asked. */
const unheard: readonly {
  readonly what: string
  readonly events: (group: string, alice: DeviceRef, mallory: DeviceRef) => LogEvent[]
}[] = [
  {
    what: 'A removal',
    events: (group, _, { user }) => [{ type: 'member.removed', group, user }],
  },
  {
    what: 'A log-out of the device that is served',
    events: (_, __, mallory) => [{ type: 'device.logged-out', ...mallory }],
  },
  {
    what: 'The end of sharing, from another device of the sharer',
    events: (group, alice) => [
      { type: 'sharer.removed', group, name, ...alice },
      { type: 'share.ended', group, name },
    ],
  },
  {
    what: 'A removal of the sharer',
    events: (group, alice, mallory) => [
      { type: 'member.removed', group, user: alice.user },
      { type: 'owner.changed', group, user: mallory.user },
    ],
  },
]
for (const { what, events } of unheard)
  test(`${what} takes effect even when the tracker that logged it sends no notice.`, async t => {
    const { group, alice, member } = await reef(t)
    const mallory = await member('mallory')
    const taker = await take(t, mallory, group, alice.person)
    await flows(taker, alice)
    const logged = events(group, asActor(alice.person), asActor(mallory))
    const [first] = logged
    const subject = first && 'group' in first ? groupEvents(group) : userEvents(mallory.user)
    await logUnheard(t.context, subject, logged)
    await taker.fetcher.closed
    t.true(taker.fetcher.blockBytes() < 8 * MiB)
    t.like(await taker.comesAgain(), { type: 'bye' })
  })

test('A sharer that is logged out without a notice serves no peer, learns nothing, and forgets its log-in.', async t => {
  const { group, alice, member } = await reef(t)
  const taker = await take(t, await member('mallory'), group, alice.person)
  await flows(taker, alice)
  const { user, device } = alice.person
  await logUnheard(t.context, userEvents(user), [{ type: 'device.logged-out', user, device }])
  await taker.fetcher.closed
  t.like(await alice.person.trackers.ask('swarm.locate', { group, name }), { code: 'not-logged-in' })
  while (alice.home.session()) await delay(10)
  t.true(taker.fetcher.blockBytes() < 8 * MiB)
})

test('A sharer whose agent was off during a removal still detects peers with earlier tickets.', async t => {
  const { group, alice, member } = await reef(t)
  const mallory = await member('mallory')
  const taker = await take(t, mallory, group, alice.person)
  const { listen } = await alice.ask('status', {})
  await alice.stop()
  granted(await alice.person.trackers.ask('group.remove', { group, user: mallory.user }))
  await alice.start({ listen })
  await until('alice shares again', async () => (await statusOf(alice)).sharing > 0)
  let answer = await taker.comesAgain()
  while (answer.retry !== false) answer = await taker.comesAgain()
  await until('nobody is served', async () => (await statusOf(alice)).peers === 0)
  t.is(answer.type, 'bye')
})

test('A transfer continues while no broker can be reached, and a removal takes effect once one can.', async t => {
  const { group, alice, member } = await reef(t)
  const mallory = await member('mallory')
  const taker = await take(t, mallory, group, alice.person)
  await flows(taker, alice)
  await t.context.kill('n1')
  await flows(taker, alice)
  await t.context.start('n1')
  granted(await alice.person.trackers.ask('group.remove', { group, user: mallory.user }))
  await hasStopped(t, taker, alice)
})

test('A downloader passes its pieces on neither to a removed member nor after the last sharer has stopped sharing.', async t => {
  const { group, alice, member, agent } = await reef(t)
  const [mallory, carol] = [await member('mallory'), await member('carol')]
  const bob = await agent('bob')
  bob.home.saveSeen(alice.person.trackers.seen)
  const { id } = await bob.ask('download', { group, name, destination: bob.folder, overwrite: false })
  let done = 0
  while (done < 8) {
    alice.clock.advance(100)
    done = (await bob.ask('downloads', {}))[0]!.pieces.done
  }
  const first = await take(t, mallory, group, bob.person)
  const second = await take(t, carol, group, bob.person)
  await flows(first, bob)
  await flows(second, bob)
  granted(await alice.person.trackers.ask('group.remove', { group, user: mallory.user }))
  await hasStopped(t, first, bob)
  await flows(second, bob)
  await alice.ask('unshare', { group, name })
  await second.fetcher.closed
  t.like(await second.comesAgain(), { type: 'bye', retry: false })
  const view = await bob.until(id, ({ error }) => error?.code === 'no-such-file')
  t.is(view.state, 'stalled')
})

test('A removed member’s download fails with the reason, keeps its pieces, and continues with them after readmission.', async t => {
  const { group, alice, file, agent } = await reef(t)
  const bob = await agent('bob')
  bob.home.saveSeen(alice.person.trackers.seen)
  const { id } = await bob.ask('download', { group, name, destination: bob.folder, overwrite: false })
  while ((await bob.ask('downloads', {}))[0]!.pieces.done < 4) alice.clock.advance(100)
  granted(await alice.person.trackers.ask('group.remove', { group, user: bob.person.user }))
  const failed = await bob.ask('download.follow', { id })
  t.like(failed, { state: 'failed', error: { code: 'not-member' } })
  t.true(existsSync(join(bob.folder, `${name}.part`)))
  t.regex(
    downloadLine(downloadDocument(failed)),
    new RegExp(`^\\[F\\] \\[${group}\\] ${name}: you are not a member of ${group}`),
  )

  await admit(alice.person, group, bob.person)
  bob.home.saveSeen(bob.person.trackers.seen)
  await alice.ask('limits.change', { up: null })
  await bob.ask('resume', { id })
  const after = await bob.ask('download.follow', { id })
  t.is(after.state, 'completed')
  t.true(after.fetchedBytes < 17 * MiB, 'what it had was fetched again')
  t.true((await readFile(after.path)).equals(await readFile(file)))
})

test('Leaving ends a member’s downloads and shares in the group; when the last member leaves, it ends for all devices.', async t => {
  const { group, alice, agent } = await reef(t)
  const bob = await agent('bob')
  bob.home.saveSeen(alice.person.trackers.seen)
  const { id } = await bob.ask('download', { group, name, destination: bob.folder, overwrite: false })
  while ((await bob.ask('downloads', {}))[0]!.pieces.done < 1) alice.clock.advance(100)
  granted(await bob.person.trackers.ask('group.leave', { group }))
  t.like(await bob.ask('download.follow', { id }), { state: 'failed', error: { code: 'not-member' } })

  const second = await onDevice(t, t.context.servers, alice.person.user)
  tell(second, alice.person, bob.person)
  const taker = await take(t, second, group, alice.person)
  await flows(taker, alice)
  granted(await alice.person.trackers.ask('group.leave', { group }))
  await taker.fetcher.closed
  await until('alice shares nothing', async () => (await statusOf(alice)).sharing === 0)
  t.like(await second.trackers.ask('swarm.locate', { group, name }), { code: 'no-such-group' })
})
