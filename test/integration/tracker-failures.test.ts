// What becomes of the trackers' promises when brokers and trackers die, or a projection does. Each test mends what it
// breaks of the cluster that all share, but the last one.

import { randomBytes } from 'node:crypto'
import { copyFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import anyTest, { type TestFn } from 'ava'
import { askAll } from '../../src/actors/client/ask-all.ts'
import { connectBroker, TrackersUnreachable } from '../../src/actors/client/broker-connection.ts'
import { openHome } from '../../src/actors/device/home.ts'
import { clusterStatus } from '../../src/cluster/cluster.ts'
import { startCluster, type TestCluster } from '../helpers/cluster.ts'
import { runInThisProcess } from '../helpers/command-line.ts'
import { statusesAtOneSequence } from '../helpers/equal-trackers.ts'
import { logIn, type Person, person } from '../helpers/person.ts'
import { tempFolder } from '../helpers/temp-folder.ts'
import { withShared } from '../helpers/with-shared.ts'

const test = withShared(anyTest.serial as TestFn<TestCluster>, t => startCluster(t))

/** The groups that this user made; the list has all users'. */
const groupsOf = async ({ user, trackers }: Person) => {
  const list = await askAll(trackers, 'group.list', {})
  return list.ok ? list.value.filter(({ owner }) => owner === user).map(({ group }) => group) : list.code
}

/** Makes groups one after the other until told to stop; the names of those that were acknowledged. */
function makingGroups({ trackers }: Person) {
  const acknowledged: string[] = []
  let goesOn = true
  const made = (async () => {
    for (let number = 0; goesOn; number++) {
      const group = `group-${number}`
      const { ok } = await trackers.ask('group.create', { group })
      if (ok) acknowledged.push(group)
    }
  })()
  return {
    acknowledged,
    async until(count: number) {
      while (acknowledged.length < count) await delay(5)
    },
    async stop() {
      goesOn = false
      await made
      return acknowledged
    },
  }
}

test('When trackers and brokers die during writes, no acknowledged write is lost, and all trackers end up equal.', async t => {
  const { servers, kill, start } = t.context
  const ann = await person(t, servers, 'ann')
  const writing = makingGroups(ann)
  await writing.until(20)
  await kill('t1')
  await writing.until(40)
  await start('t1')
  await kill('t2')
  await writing.until(60)
  await kill('n2')
  await writing.until(80)
  await start('t2')
  await start('n2')
  await writing.until(100)
  const acknowledged = await writing.stop()
  const [one, other] = await statusesAtOneSequence(ann.trackers, ['t1', 't2'])
  t.is(one?.digest, other?.digest)
  const kept = new Set(await groupsOf(ann))
  t.deepEqual(
    acknowledged.filter(group => !kept.has(group)),
    [],
  )
})

test('Without a majority of brokers look-ups and log-ins continue, writes answer no-quorum, and later work again.', async t => {
  const { servers, kill, start } = t.context
  const bob = await person(t, servers, 'bob')
  t.true((await bob.trackers.ask('group.create', { group: 'before' })).ok)
  await kill('n2')
  await kill('n3')
  t.deepEqual(await groupsOf(bob), ['before'])
  const refused = await bob.trackers.ask('group.create', { group: 'during' })
  t.is(refused.ok ? 'done' : refused.code, 'no-quorum')
  // One that was begun before the loss was noticed may yet take effect, and says so.
  const mayCome = !refused.ok && /may yet take effect/.test(refused.message)
  const again = await connectBroker(servers, { kind: 'device', ...bob }, 'test')
  await again.close()
  t.deepEqual(await groupsOf(bob), ['before'])
  await start('n2')
  for (;;) {
    const created = await bob.trackers.ask('group.create', { group: 'after' })
    // One that was answered by `no-quorum` may have taken effect: then it is there, and every other one is refused.
    if (created.ok || created.code === 'group-exists') break
  }
  const isCertain = (group: string) => group !== 'during' || !mayCome
  t.deepEqual([await groupsOf(bob)].flat().filter(isCertain), ['after', 'before'])
  await t.notThrowsAsync(logIn(servers, 'bob'))
  await start('n3')
  const [one, other] = await statusesAtOneSequence(bob.trackers, ['t1', 't2'])
  t.is(one?.digest, other?.digest)
})

/** Makes groups by commands, each with a connection of its own, one after the other; returns those made when told to stop. */
function makingGroupsByCommand(env: NodeJS.ProcessEnv, prefix: string) {
  const made: string[] = []
  let goesOn = true
  const ended = (async () => {
    do {
      const group = `${prefix}-${made.length}`
      const { code, err } = await runInThisProcess(['group', 'create', group, '--json'], env)
      if (code !== 0) throw new Error(`${group}: ${err}`)
      made.push(group)
    } while (goesOn)
    return made
  })()
  return {
    stop() {
      goesOn = false
      return ended
    },
  }
}

test('While the broker that leads the log stands still, no write by command fails, and each acts once.', async t => {
  const { servers, folder } = t.context
  const eve = await person(t, servers, 'eve')
  const home = tempFolder(t)
  const { user, device, credential } = eve
  openHome(home).saveSession({ user, device, credential })
  const leader = (await clusterStatus(folder)).find(node => node.leader)!.pid!
  process.kill(leader, 'SIGSTOP')
  t.teardown(() => process.kill(leader, 'SIGCONT'))
  const env = { SHOAL_HOME: home, SHOAL_SERVERS: servers.join(',') }
  const writing = ['one', 'two', 'three'].map(name => makingGroupsByCommand(env, name))
  await delay(8_000)
  process.kill(leader, 'SIGCONT')
  const made = (await Promise.all(writing.map(one => one.stop()))).flat()
  t.deepEqual([await groupsOf(eve)].flat().sort(), made.sort())
  const [one, other] = await statusesAtOneSequence(eve.trackers, ['t1', 't2'])
  t.is(one?.digest, other?.digest)
})

test('A missing, damaged or foreign projection is rebuilt, and the other tracker answers meanwhile.', async t => {
  const mine = t.context
  const foreign = await startCluster(t, { brokers: 1, trackers: 1 })
  const cat = await person(t, mine.servers, 'cat')
  const stranger = await person(t, foreign.servers, 'stranger')
  for (const group of ['a', 'b', 'c']) {
    await cat.trackers.ask('group.create', { group })
    for (const more of ['x', 'y']) await stranger.trackers.ask('group.create', { group: group + more })
  }
  await foreign.stop('t1')
  const projectionOf = ({ folder }: TestCluster, name: string) => join(folder, name, 'projection.db')
  const file = projectionOf(mine, 't2')
  const remove = () => {
    for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true })
  }
  const ruins: Record<string, () => void> = {
    gone: remove,
    damaged() {
      remove()
      writeFileSync(file, randomBytes(20_000))
    },
    foreign() {
      remove()
      copyFileSync(projectionOf(foreign, 't1'), file)
    },
  }
  for (const [how, ruin] of Object.entries(ruins)) {
    await mine.kill('t2')
    ruin()
    t.deepEqual(await groupsOf(cat), ['a', 'b', 'c'], how)
    await mine.start('t2')
    const [one, other] = await statusesAtOneSequence(cat.trackers, ['t1', 't2'])
    t.is(one?.digest, other?.digest, how)
  }
})

test('When no tracker runs, a log-in says that none can be reached, not that the password is wrong.', async t => {
  const { servers, kill } = t.context
  await Promise.all([kill('t1'), kill('t2')])
  const login = { kind: 'password', user: 'dan', password: 'right or wrong' } as const
  await t.throwsAsync(connectBroker(servers, login, 'test'), { instanceOf: TrackersUnreachable })
})
