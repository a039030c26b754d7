// Agents on a real cluster: sharing, downloading, and what goes wrong between the two.

import { once } from 'node:events'
import { existsSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import anyTest, { type ExecutionContext, type TestFn } from 'ava'
import { askAll } from '../../src/actors/client/ask-all.ts'
import { clusterStatus } from '../../src/cluster/cluster.ts'
import { shareId } from '../../src/domain/manifest.ts'
import { type AgentDevice, agentDevice, randomFile } from '../helpers/agent-device.ts'
import { startCluster, type TestCluster } from '../helpers/cluster.ts'
import { startCountingSharer } from '../helpers/counting-sharer.ts'
import { granted } from '../helpers/granted.ts'
import { manifestOf } from '../helpers/manifest-of.ts'
import { admit, logOut, onDevice, person } from '../helpers/person.ts'
import { startSession } from '../helpers/swarm.ts'
import { until } from '../helpers/until.ts'
import { withShared } from '../helpers/with-shared.ts'

const test = withShared(anyTest.serial as TestFn<TestCluster>, t => startCluster(t, { brokers: 1, trackers: 1 }))

const MiB = 2 ** 20
let groups = 0
const members = new Map<string, AgentDevice[]>()

/** People of a new group, each with an agent. */
async function swarm(
  t: ExecutionContext<TestCluster>,
  count: number,
  ownProcesses: readonly number[] = [],
  { servers }: TestCluster = t.context,
) {
  groups += 1
  const group = `group${groups}`
  const devices: AgentDevice[] = []
  for (let index = 0; index < count; index += 1) {
    const member = await person(t, servers, `person${index}-${groups}`)
    if (index === 0) granted(await member.trackers.ask('group.create', { group }))
    else await admit(devices[0]!.person, group, member)
    devices.push(await agentDevice(t, servers, member, { ownProcess: ownProcesses.includes(index) }))
  }
  members.set(group, devices)
  return { group, devices }
}

/** What one person did, the others' devices ask for: a person would have heard of it by other ways. */
function tellEachOther(group: string): void {
  const devices = members.get(group)!
  const seen = Math.max(...devices.flatMap(({ home, person }) => [home.seen(), person.trackers.seen]))
  for (const { home, person } of devices) {
    home.saveSeen(seen)
    person.trackers.advance(seen)
  }
}

/** ava compares buffers property by property. */
const isSame = async (path: string, other: string) => (await readFile(path)).equals(await readFile(other))

function download(device: AgentDevice, group: string, name: string, destination = device.folder, overwrite = false) {
  tellEachOther(group)
  return device.ask('download', { group, name, destination, overwrite })
}
/** So that a download is under way for as long as a test needs, whatever the machine's speed. */
const cap = (device: AgentDevice, down: number | null) => device.ask('limits.change', { down })
const atRest = (device: AgentDevice, id: number) => device.ask('download.follow', { id })
const codeOf = async (outcome: Promise<{ ok: boolean; code?: string }>) => (await outcome).code ?? 'done'
const piecesFrom = (view: { deliveries: { user: string; pieces: number }[] }, device: AgentDevice) =>
  view.deliveries.find(delivery => delivery.user === device.person.user)?.pieces ?? 0

test('A shared file arrives identical, and each downloader shares it from then on.', async t => {
  const { group, devices } = await swarm(t, 3)
  const [alice, bob, carol] = devices as [AgentDevice, AgentDevice, AgentDevice]
  const file = randomFile(alice.folder, 'film.bin', 8 * MiB + 5)
  const shared = await alice.ask('share', { path: file, group })
  t.is(shared.pieces, 17)

  const first = await atRest(bob, (await download(bob, group, 'film.bin')).id)
  t.is(first.state, 'completed', JSON.stringify(first))
  t.true(await isSame(join(bob.folder, 'film.bin'), file))
  t.is(first.fetchedBytes, 8 * MiB + 5)

  await alice.stop()
  const second = await atRest(carol, (await download(carol, group, 'film.bin')).id)
  t.is(second.state, 'completed')
  t.is(piecesFrom(second, bob), 17)
})

test('A device that downloads a file it already shares goes on serving all of it, even after cancelling the download.', async t => {
  const { group, devices } = await swarm(t, 3)
  const [alice, bob, carol] = devices as [AgentDevice, AgentDevice, AgentDevice]
  const file = randomFile(alice.folder, 'film.bin', 8 * MiB)
  await alice.ask('share', { path: file, group })
  t.is((await atRest(bob, (await download(bob, group, 'film.bin')).id)).state, 'completed')

  await cap(alice, MiB / 4)
  const again = await download(alice, group, 'film.bin', join(alice.folder, 'again.bin'))
  await alice.until(again.id, view => view.pieces.done > 0)
  await bob.stop()
  await cap(carol, 2 * MiB)
  const { id, pieces } = await download(carol, group, 'film.bin')
  await carol.until(id, view => view.pieces.done > 0)
  t.is((await alice.ask('cancel', { id: again.id })).state, 'cancelled')
  await cap(carol, null)
  const fetched = await atRest(carol, id)
  t.is(fetched.state, 'completed')
  t.is(piecesFrom(fetched, alice), pieces.total)
})

test('An empty file shares and downloads.', async t => {
  const { group, devices } = await swarm(t, 2)
  const [alice, bob] = devices as [AgentDevice, AgentDevice]
  writeFileSync(join(alice.folder, 'nothing'), '')
  await alice.ask('share', { path: join(alice.folder, 'nothing'), group })
  t.is((await atRest(bob, (await download(bob, group, 'nothing')).id)).state, 'completed')
  t.is(statSync(join(bob.folder, 'nothing')).size, 0)
})

test('A downloader killed halfway continues with its pieces, and fetches no verified piece twice.', async t => {
  const { group, devices } = await swarm(t, 2, [1])
  const [alice, bob] = devices as [AgentDevice, AgentDevice]
  const size = 48 * MiB
  const file = randomFile(alice.folder, 'big.bin', size)
  await alice.ask('share', { path: file, group })
  await cap(bob, 16 * MiB)
  const { id, pieces } = await download(bob, group, 'big.bin')
  const before = await bob.until(id, view => view.pieces.done > pieces.total / 4)
  t.true(before.pieces.done < pieces.total, 'it was killed too late to tell anything')
  await bob.kill()
  await bob.start()
  await cap(bob, null)
  const after = await atRest(bob, id)
  t.is(after.state, 'completed', JSON.stringify(after))
  t.is(after.fetchedBytes, size)
  t.is(piecesFrom(after, alice), pieces.total)
  t.true(await isSame(join(bob.folder, 'big.bin'), file))
})

test('When the only sharer dies, the leechers share what they have, stall, and finish once it is back.', async t => {
  const { group, devices } = await swarm(t, 3, [0])
  const [alice, bob, carol] = devices as [AgentDevice, AgentDevice, AgentDevice]
  const file = randomFile(alice.folder, 'big.bin', 48 * MiB)
  await alice.ask('share', { path: file, group })
  await cap(bob, 16 * MiB)
  const { id, pieces } = await download(bob, group, 'big.bin')
  await bob.until(id, view => view.pieces.done > pieces.total / 4)
  await alice.kill()
  const stalled = await bob.until(id, view => view.state === 'stalled')
  t.is(stalled.state, 'stalled')
  t.truthy(stalled.error?.message)

  const other = await download(carol, group, 'big.bin')
  const half = await carol.until(other.id, view => view.pieces.done === stalled.pieces.done)
  t.is(half.pieces.done, stalled.pieces.done)
  t.is(piecesFrom(half, bob), stalled.pieces.done)

  await cap(bob, null)
  await alice.start()
  const [one, two] = await Promise.all([atRest(bob, id), atRest(carol, other.id)])
  t.is(one.state, 'completed')
  t.is(two.state, 'completed')
  t.true(await isSame(join(carol.folder, 'big.bin'), file))
})

test('The pieces of a running download are on offer again once they can be read again, without another run.', async t => {
  const { group, devices } = await swarm(t, 3)
  const [alice, bob, carol] = devices as [AgentDevice, AgentDevice, AgentDevice]
  const file = randomFile(alice.folder, 'film.bin', 8 * MiB)
  const bytes = await readFile(file)
  const manifest = manifestOf('film.bin', bytes)
  await alice.ask('share', { path: file, group })
  await bob.ask('limits.change', { down: MiB })
  const { id } = await download(bob, group, 'film.bin')
  await bob.until(id, view => view.pieces.done > 0)
  await alice.stop()
  await bob.until(id, view => view.state === 'stalled')

  const part = join(bob.folder, 'film.bin.part')
  const written = await readFile(part)
  truncateSync(part)
  tellEachOther(group)
  const { peers } = granted(await carol.person.trackers.ask('swarm.locate', { group, name: 'film.bin' }))
  const peer = peers.find(({ user }) => user === bob.person.user)!
  using session = startSession(peer, { share: shareId(group, manifest), manifest }, { me: carol.person })
  const { have } = await session.heard.next('peer.ready')
  const piece = Array.from({ length: have.length }, (_, index) => index).find(index => have.has(index))!
  session.actor.send({ type: 'piece.wanted', piece })
  t.like(await session.heard.next('piece.returned'), { piece })
  await session.heard.next('peer.lost')
  writeFileSync(part, written, { flag: 'r+' })

  await session.heard.next('peer.ready')
  session.actor.send({ type: 'piece.wanted', piece })
  const { data } = await session.heard.next('piece.received')
  t.true(data.equals(bytes.subarray(piece * manifest.pieceLength).subarray(0, data.length)))
  t.is((await bob.ask('downloads', {})).find(view => view.id === id)?.state, 'stalled')
})

test('A peer that sends corrupt pieces is dropped, and the file arrives whole from the others.', async t => {
  const { group, devices } = await swarm(t, 2)
  const [alice, bob] = devices as [AgentDevice, AgentDevice]
  const file = randomFile(alice.folder, 'film.bin', 16 * MiB)
  await alice.ask('share', { path: file, group })
  const mallory = await person(t, t.context.servers, `mallory-${groups}`)
  await admit(alice.person, group, mallory)
  // Shares the file in her own name, and serves other bytes.
  const liar = await startCountingSharer(
    mallory,
    group,
    () => {},
    () => true,
  )
  t.teardown(() => liar.close())
  await liar.offer(file, 'film.bin')
  await mallory.connection.flush()

  const view = await atRest(bob, (await download(bob, group, 'film.bin')).id)
  t.is(view.state, 'completed', JSON.stringify(view))
  t.true(await isSame(join(bob.folder, 'film.bin'), file))
  t.is(piecesFrom(view, alice), 32)
  t.true(view.fetchedBytes > 16 * MiB, 'the liar was never asked')
  t.regex(readFileSync(bob.home.agentLog, 'utf8'), /a peer sent a wrong piece and is dropped/)
})

test('An agent that cannot listen at its address says so, and serves once it can.', async t => {
  const { devices } = await swarm(t, 1)
  const [alice] = devices as [AgentDevice]
  await alice.stop()
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.teardown(() => other.close())
  const listen = `127.0.0.1:${(other.address() as AddressInfo).port}`
  await alice.start({ listen })
  const taken = await alice.ask('status', {})
  t.is(taken.listen, 'nowhere')
  t.true(taken.listenFailure?.includes(listen))
  other.close()
  await until('it listens', async () => (await alice.ask('status', {})).listenFailure === undefined)
  t.is((await alice.ask('status', {})).listen, listen)
})

test('A peer that cannot be reached directly is reached through the brokers.', async t => {
  const { group, devices } = await swarm(t, 2)
  const [alice, bob] = devices as [AgentDevice, AgentDevice]
  await alice.stop()
  // The brokers see it come from 127.0.0.1, where it does not listen.
  await alice.start({ listen: '127.0.0.2:0' })
  const file = randomFile(alice.folder, 'film.bin', 4 * MiB)
  await alice.ask('share', { path: file, group })
  const view = await atRest(bob, (await download(bob, group, 'film.bin')).id)
  t.is(view.state, 'completed')
  t.deepEqual(
    view.deliveries.map(({ via }) => via),
    ['relay'],
  )
  t.true(await isSame(view.path, file))
})

test('After a restart and a new log-in every earlier share is on offer again without another command.', async t => {
  const { group, devices } = await swarm(t, 2)
  const [alice, bob] = devices as [AgentDevice, AgentDevice]
  await alice.ask('share', { path: randomFile(alice.folder, 'one.bin', MiB), group })
  tellEachOther(group)
  const online = async () => granted(await askAll(bob.person.trackers, 'group.files', { group }))[0]?.online

  const session = alice.home.session()!
  await alice.ask('logout', {})
  t.is(alice.home.session(), undefined)
  await until('it is offline to others', async () => (await online()) === 0)
  t.is((await alice.ask('status', {})).state, 'logged-out')
  t.is(await codeOf(alice.agent.ask('downloads', {})), 'not-logged-in')

  alice.home.saveSession(session)
  t.is((await alice.ask('ready', { withinMs: 10_000, retry: true })).state, 'online')
  t.is((await atRest(bob, (await download(bob, group, 'one.bin')).id)).state, 'completed')
})

test('A changed file leaves sharing mode, and no altered byte is served.', async t => {
  const { group, devices } = await swarm(t, 2)
  const [alice, bob] = devices as [AgentDevice, AgentDevice]
  const file = randomFile(alice.folder, 'one.bin', 4 * MiB)
  await alice.ask('share', { path: file, group })
  const original = await readFile(file)
  writeFileSync(file, Buffer.concat([original.subarray(0, 4 * MiB - 4), Buffer.from('evil')]))
  tellEachOther(group)
  const answer = await bob.agent.ask('download', { group, name: 'one.bin', destination: bob.folder, overwrite: false })
  if (answer.ok) {
    const view = await bob.until(answer.value.id, ({ state }) => state === 'stalled')
    t.is(view.state, 'stalled')
    await bob.ask('cancel', { id: view.id })
  } else t.is(answer.code, 'no-such-file')
  t.throws(() => statSync(join(bob.folder, 'one.bin')))
  t.throws(() => statSync(join(bob.folder, 'one.bin.part')))
  // It is off offer at once, and alice is told when it has been read again.
  await until('she is told', async () => (await alice.ask('status', {})).troubles.length > 0)
  const status = await alice.ask('status', {})
  t.is(status.sharing, 0)
  t.regex(status.troubles.join(), /one\.bin .* has changed/)
})

test('A touched file stays shared; a vanished one leaves and comes back.', async t => {
  const { group, devices } = await swarm(t, 1)
  const [alice] = devices as [AgentDevice]
  const file = randomFile(alice.folder, 'one.bin', MiB)
  const bytes = await readFile(file)
  await alice.ask('share', { path: file, group })
  const listed = async () => granted(await askAll(alice.person.trackers, 'group.files', { group })).length
  const settles = (count: number) =>
    until(`${count} are shared`, async () => {
      tellEachOther(group)
      return (await listed()) === count && (await alice.ask('status', {})).sharing === count
    })
  rmSync(file)
  await settles(0)
  writeFileSync(file, bytes)
  await settles(1)
  t.pass()
})

test('A download goes to a folder or a path, and never onto another file unless told to.', async t => {
  const { group, devices } = await swarm(t, 2)
  const [alice, bob] = devices as [AgentDevice, AgentDevice]
  const file = randomFile(alice.folder, 'one.bin', MiB)
  await alice.ask('share', { path: file, group })
  tellEachOther(group)
  const ask = (destination: string, overwrite = false) =>
    codeOf(bob.agent.ask('download', { group, name: 'one.bin', destination, overwrite }))

  t.is(await ask(join(bob.folder, 'no', 'such', 'folder')), 'destination-unwritable')
  const taken = join(bob.folder, 'taken.bin')
  writeFileSync(taken, 'mine')
  t.is(await ask(taken), 'destination-exists')
  randomFile(bob.folder, 'taken-too.bin', MiB)
  t.is(await ask(join(bob.folder, 'taken-too.bin')), 'destination-exists')
  t.is(readFileSync(taken, 'utf8'), 'mine')

  const same = join(bob.folder, 'same.bin')
  writeFileSync(same, await readFile(file))
  const there = await atRest(bob, (await download(bob, group, 'one.bin', same)).id)
  t.is(there.state, 'completed')
  t.is(there.fetchedBytes, 0)

  const replaced = await atRest(bob, (await download(bob, group, 'one.bin', taken, true)).id)
  t.is(replaced.state, 'completed')
  t.true(await isSame(taken, file))

  await mkdir(join(bob.folder, 'sub'))
  const inFolder = await atRest(bob, (await download(bob, group, 'one.bin', join(bob.folder, 'sub'))).id)
  t.is(inFolder.path, join(bob.folder, 'sub', 'one.bin'))
})

test('A file that may not be shared is refused before it is hashed.', async t => {
  const { group, devices } = await swarm(t, 2)
  const [alice, bob] = devices as [AgentDevice, AgentDevice]
  const file = randomFile(alice.folder, 'one.bin', MiB)
  const share = (path: string, to = group) => codeOf(alice.agent.ask('share', { path, group: to }))
  t.is(await share(file, 'no-such-group-anywhere'), 'no-such-group')
  t.is(await share(alice.folder), 'file-unreadable')
  t.is(await share(join(alice.folder, 'no-such-file')), 'file-unreadable')
  const secret = `secret-${groups}`
  granted(await bob.person.trackers.ask('group.create', { group: secret }))
  tellEachOther(group)
  t.is(await share(file, secret), 'not-member')
  t.is(await share(file), 'done')
  t.is(await share(file), 'done')
})

test('Unsharing on one device ends it on the other devices of the same person too.', async t => {
  const { group, devices } = await swarm(t, 1)
  const [alice] = devices as [AgentDevice]
  const second = await agentDevice(t, t.context.servers, await onDevice(t, t.context.servers, alice.person.user))
  const file = randomFile(alice.folder, 'one.bin', MiB)
  await alice.ask('share', { path: file, group })
  await second.ask('share', { path: file, group })
  await alice.ask('unshare', { group, name: 'one.bin' })
  await until('the other device shares no more', async () => (await second.ask('status', {})).sharing === 0)
  t.is((await alice.ask('status', {})).sharing, 0)
  t.is(await codeOf(alice.agent.ask('unshare', { group, name: 'one.bin' })), 'no-such-file')
})

test('A download pauses, stays paused over a restart, resumes, and cancelling removes its part file.', async t => {
  const { group, devices } = await swarm(t, 2)
  const [alice, bob] = devices as [AgentDevice, AgentDevice]
  const file = randomFile(alice.folder, 'big.bin', 16 * MiB)
  await alice.ask('share', { path: file, group })
  await cap(bob, MiB)
  const { id, pieces } = await download(bob, group, 'big.bin')
  const paused = await bob.ask('pause', { id })
  t.is(paused.state, 'paused')
  t.true(paused.pieces.done < pieces.total)
  await bob.stop()
  await bob.start()
  t.is((await bob.ask('downloads', {}))[0]?.state, 'paused')
  await cap(bob, null)
  await bob.ask('resume', { id })
  const after = await atRest(bob, id)
  t.is(after.state, 'completed')
  t.true(await isSame(join(bob.folder, 'big.bin'), file))

  rmSync(join(bob.folder, 'big.bin'))
  await cap(bob, MiB)
  const again = await download(bob, group, 'big.bin')
  t.is((await bob.ask('cancel', { id: again.id })).state, 'cancelled')
  t.throws(() => statSync(join(bob.folder, 'big.bin.part')))
  t.is(await codeOf(bob.agent.ask('resume', { id: again.id })), 'not-running')
  t.is(await codeOf(bob.agent.ask('pause', { id: 999 })), 'no-such-download')
})

test('When a user is removed from a group, their running download fails, and its sharer stops serving it.', async t => {
  const { group, devices } = await swarm(t, 2, [1])
  const [alice, bob] = devices as [AgentDevice, AgentDevice]
  const file = randomFile(alice.folder, 'big.bin', 16 * MiB)
  await alice.ask('share', { path: file, group })
  await cap(bob, MiB)
  const { id } = await download(bob, group, 'big.bin')
  await bob.until(id, view => view.pieces.done > 0)
  granted(await alice.person.trackers.ask('group.remove', { group, user: bob.person.user }))
  const view = await atRest(bob, id)
  t.is(view.state, 'failed')
  t.is(view.error?.code, 'not-member')
})

test('A download runs on, is paused, resumed and watched while all trackers and brokers stand still, or are gone; it is shared once they are back.', async t => {
  const cluster = await startCluster(t)
  const { group, devices } = await swarm(t, 2, [], cluster)
  const [alice, bob] = devices as [AgentDevice, AgentDevice]
  const file = randomFile(alice.folder, 'big.bin', 16 * MiB)
  await alice.ask('share', { path: file, group })
  await cap(bob, 4 * MiB)
  const { id } = await download(bob, group, 'big.bin')
  await bob.until(id, view => view.pieces.done > 0)
  const nodes = await clusterStatus(cluster.folder)
  const pauseAndResume = async (before: () => Promise<unknown>) => {
    const paused = await bob.ask('pause', { id })
    t.is(paused.state, 'paused')
    t.true(paused.pieces.done < paused.pieces.total, 'it was over too soon')
    await before()
    await bob.ask('resume', { id })
    t.is((await bob.until(id, ({ pieces }) => pieces.done > paused.pieces.done)).state, 'downloading')
  }
  for (const { pid } of nodes) process.kill(pid!, 'SIGSTOP')
  await pauseAndResume(async () => {})
  await pauseAndResume(() => Promise.all(nodes.map(({ node }) => cluster.kill(node))))
  const path = join(bob.folder, 'big.bin')
  await until('the file is there', () => existsSync(path))
  t.true(await isSame(path, file))
  await until('it says that it is not connected', async () => (await bob.ask('status', {})).state === 'offline')
  t.is(await codeOf(bob.agent.ask('share', { path, group })), 'unreachable')

  await Promise.all(nodes.map(({ node }) => cluster.start(node)))
  const sharers = async () => {
    const files = await askAll(alice.person.trackers, 'group.files', { group })
    return files.ok ? files.value[0]?.sharers.length : 0
  }
  await until('both share it', async () => (await sharers()) === 2)
  t.is((await bob.ask('downloads', {}))[0]?.state, 'completed')
})

test('A device that is logged out from elsewhere forgets its log-in; one that cannot reach its trackers does not.', async t => {
  const cluster = t.context
  const { devices } = await swarm(t, 1)
  const [alice] = devices as [AgentDevice]
  const { home } = alice
  await cluster.kill('t1')
  await alice.stop()
  const starting = alice.start()
  await until('it tries again', () => /it is tried again/.test(readFileSync(home.agentLog, 'utf8')))
  t.truthy(home.session())
  await cluster.start('t1')
  await starting
  t.truthy(home.session())

  granted(await logOut(alice.person))
  await until('the log-in is forgotten', () => home.session() === undefined)
  t.pass()
})

test('An agent that saw the log-in go before it was asked to log out still says that a broker took its goodbye.', async t => {
  const { devices } = await swarm(t, 1)
  const { home, ask } = devices[0]!
  const session = home.session()!
  // A busy machine may take longer than the agent waits for that: then once more.
  await until('a broker takes it', async () => {
    home.saveSession(session)
    await until('it is online', async () => (await ask('status', {})).state === 'online')
    home.clearSession()
    // The first waits until it has left.
    await ask('logout', {})
    return (await ask('logout', {})).wasOnline
  })
  t.pass()
})
