// Watching a real download on a real cluster: what a log-in that only watches hears, and that nothing is said unwatched.

import { createHash, randomBytes } from 'node:crypto'
import anyTest, { type ExecutionContext, type TestFn } from 'ava'
import { connect, type NatsConnection } from 'nats'
import { definitionDigests } from '../../src/charts/definition-digests.ts'
import { toConnect } from '../../src/wire/broker-login.ts'
import { type InspectedDownload, pieceStates } from '../../src/wire/inspected-download.ts'
import { type Inspection, readInspection } from '../../src/wire/inspection.ts'
import { inspectSubject, trackerInspected, watchSubject } from '../../src/wire/subjects.ts'
import { deviceTicketKey } from '../../src/wire/ticket.ts'
import { watchLogin } from '../../src/wire/watch-login.ts'
import { agentDevice, randomFile } from '../helpers/agent-device.ts'
import { startCluster, type TestCluster } from '../helpers/cluster.ts'
import { granted } from '../helpers/granted.ts'
import { createLookout } from '../helpers/lookout.ts'
import { admit, type Person, person } from '../helpers/person.ts'
import { withShared } from '../helpers/with-shared.ts'

const test = withShared(anyTest.serial as TestFn<TestCluster>, t => startCluster(t, { brokers: 1, trackers: 1 }))

async function watcherOf(t: ExecutionContext<TestCluster>, whom: Person) {
  const { secrets, servers } = t.context
  const hash = createHash('sha256').update(whom.credential).digest('hex')
  const key = deviceTicketKey(Buffer.from(secrets.ticketSecret, 'base64url'), whom, hash)
  const login = toConnect(watchLogin(whom, key, Date.now() + 600_000))
  const connection = await connect({ servers: [...servers], ...login })
  t.teardown(() => connection.close())
  const heard: (Inspection & { subject: string })[] = []
  const { look, until } = createLookout()
  for (const subject of [
    inspectSubject({ user: whom.user, device: '*' }, '>'),
    inspectSubject(trackerInspected('*'), '>'),
  ])
    connection.subscribe(subject, {
      callback: (_, { data, subject }) => {
        const message = readInspection(data)
        t.truthy(message, `unreadable: ${Buffer.from(data).toString().slice(0, 2_000)}`)
        if (message) heard.push({ ...message, subject })
        look()
      },
    })
  await connection.flush()
  return { connection: connection as NatsConnection, heard, until }
}

/** What the visualizer's server does while a page is open. */
function announce(t: ExecutionContext<TestCluster>, { user, device, connection }: Person) {
  const watchers = [randomBytes(16).toString('hex')]
  const say = () => connection.publish(watchSubject({ user, device }), JSON.stringify({ watchers }))
  say()
  const saying = setInterval(say, 1_000)
  t.teardown(() => clearInterval(saying))
  return watchers[0]!
}

test('A watcher sees a whole download: its machine’s states in order, and each piece with the peer that it came from.', async t => {
  const { servers } = t.context
  const alice = await person(t, servers, 'alice')
  const bob = await person(t, servers, 'bob')
  granted(await alice.trackers.ask('group.create', { group: 'reef' }))
  await admit(alice, 'reef', bob)
  const from = await agentDevice(t, servers, alice)
  const to = await agentDevice(t, servers, bob)
  const path = randomFile(from.folder, 'film <b>.bin', 24 * 2 ** 20)
  await from.ask('share', { path, group: 'reef' })

  const watcher = await watcherOf(t, bob)
  bob.trackers.advance(from.home.seen())
  to.home.saveSeen(from.home.seen())
  await to.ask('limits.change', { down: 2 * 2 ** 20 })
  // Unwatched: this device has connected, started its uploads and taken a request, and said nothing of it.
  await watcher.connection.flush()
  t.deepEqual(watcher.heard, [])

  const name = announce(t, bob)
  const picture = await watcher.until(() =>
    watcher.heard.find(each => each.kind === 'picture' && each.subject.includes('.bob.')),
  )
  if (picture.kind !== 'picture') throw new Error('no picture')
  t.is(picture.watcher, name)
  t.deepEqual(picture.definitions, definitionDigests())
  const machines = picture.actors.flatMap(({ machine }) => machine ?? [])
  t.deepEqual(machines.sort(), ['agent', 'download-queue', 'services', 'uploads'])
  await watcher.until(() => watcher.heard.find(each => each.subject.startsWith('shoal.inspect.$tracker.t1.')))

  const { id } = await to.ask('download', {
    group: 'reef',
    name: 'film <b>.bin',
    destination: to.folder,
    overwrite: false,
  })
  const maps = () =>
    watcher.heard.filter((each): each is InspectedDownload & { subject: string } => each.kind === 'download')
  await watcher.until(() => maps().some(({ waits }) => waits.some(({ code }) => code === 'download-limited')))
  await to.ask('limits.change', { down: null })
  t.is((await to.until(id, ({ state }) => state === 'completed')).state, 'completed')
  await watcher.until(() =>
    watcher.heard.find(
      each => each.kind === 'step' && each.actor.machine === 'download' && each.actor.status === 'done',
    ),
  )
  const steps = watcher.heard.flatMap(each => (each.kind === 'step' && each.actor.machine === 'download' ? [each] : []))
  const entered = steps.flatMap(({ transitions }) => transitions.flatMap(({ targets }) => targets))
  const wanted = ['fetching', 'fetching.transferring', 'verifying', 'finishing', 'settling', 'completed']
  t.deepEqual(
    entered
      .filter(state => wanted.includes(state.replace('download.', '')))
      .filter((state, i, all) => all[i - 1] !== state),
    wanted.map(state => `download.${state}`),
  )
  const links = watcher.heard.flatMap(each =>
    each.kind === 'step' && each.actor.machine === 'downloadSession' ? [each] : [],
  )
  t.true(links.some(({ actor }) => actor.context.user === 'alice'))
  const said = watcher.heard.flatMap(each => (each.kind === 'messages' ? each.messages : []))
  t.true(said.some(({ event, from, to }) => event === 'piece.received' && from !== null && to === steps[0]!.actor.id))

  const last = maps().at(-1)!
  t.is(last.name, 'film <b>.bin')
  t.is(last.peers[0]?.user, 'alice')
  const pieces = Buffer.from(last.pieceMap, 'base64')
  t.is(pieces.length, last.pieces.total)
  t.true(pieces.filter(piece => piece === pieceStates.firstPeer).length > 0)
  // Nothing of the messages of this process is missing, and nothing says where files are.
  const ofBob = watcher.heard.filter(({ subject }) => subject.startsWith('shoal.inspect.bob.'))
  t.deepEqual(
    ofBob.map(({ n }) => n),
    ofBob.map((_, n) => n),
  )
  const all = JSON.stringify(watcher.heard)
  for (const secret of [bob.credential, to.folder, from.folder, 'identity'])
    t.false(all.includes(secret), `it says ${secret.slice(0, 12)}`)
})
