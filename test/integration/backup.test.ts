// A cluster lost whole comes back from its back-up, and agents that ran on meanwhile carry on by themselves.

import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import test from 'ava'
import { askAll } from '../../src/actors/client/ask-all.ts'
import { LoginRefused } from '../../src/actors/client/broker-connection.ts'
import { backUpCluster, restoreCluster } from '../../src/cluster/backup.ts'
import { clusterUp } from '../../src/cluster/cluster.ts'
import { agentDevice, randomFile } from '../helpers/agent-device.ts'
import { startCluster, type TestCluster } from '../helpers/cluster.ts'
import { statusesAtOneSequence } from '../helpers/equal-trackers.ts'
import { granted } from '../helpers/granted.ts'
import { killCluster } from '../helpers/kill-cluster.ts'
import { admit, logIn, onDevice, type Person, person } from '../helpers/person.ts'
import { tempFolder } from '../helpers/temp-folder.ts'
import { until } from '../helpers/until.ts'

async function lose({ folder }: TestCluster): Promise<void> {
  await killCluster(folder)
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true })
}

const namesOf = async ({ trackers }: Person) =>
  granted(await askAll(trackers, 'group.files', { group: 'reef' })).map(({ name }) => name)

test('A cluster that was lost entirely comes back from its backup, with accounts, groups and devices, and agents carry on.', async t => {
  const cluster = await startCluster(t)
  const { servers, folder } = cluster
  const alice = await person(t, servers, 'alice')
  const bob = await person(t, servers, 'bob')
  granted(await alice.trackers.ask('group.create', { group: 'reef' }))
  await admit(alice, 'reef', bob)
  const [atAlice, atBob] = [await agentDevice(t, servers, alice), await agentDevice(t, servers, bob)]
  const early = randomFile(atAlice.folder, 'early.bin', 3_000_000)
  await atAlice.ask('share', { path: early, group: 'reef' })
  const { file, seq } = await backUpCluster(folder, tempFolder(t))
  t.is(statSync(file).mode & 0o777, 0o600)

  // After the back-up: enough writes that every client has seen far beyond its end, and all of them are lost.
  const late = randomFile(atAlice.folder, 'late.bin', 3_000_000)
  await atAlice.ask('share', { path: late, group: 'reef' })
  for (let number = 0; number < 30; number += 1)
    granted(await bob.trackers.ask('group.create', { group: `g${number}` }))
  granted(await alice.trackers.ask('group.remove', { group: 'reef', user: 'bob' }))
  await person(t, servers, 'carol')
  const seenBefore = alice.trackers.seen
  t.true(seenBefore > seq + 20)
  await lose(cluster)

  const running = await restoreCluster(file, { folder })
  t.deepEqual(running.servers, servers)
  const [one, other] = await statusesAtOneSequence(alice.trackers, ['t1', 't2'])
  t.is(one?.digest, other?.digest)
  // What the agent still shares, it tells the trackers again by itself.
  await until('both files are shared', async () => (await namesOf(alice)).length >= 2)
  t.deepEqual(await namesOf(alice), ['early.bin', 'late.bin'])
  t.true(alice.trackers.seen < seenBefore)
  t.true(atAlice.home.seen() < seenBefore)
  await t.throwsAsync(logIn(servers, 'carol'), { instanceOf: LoginRefused })
  await t.notThrowsAsync(onDevice(t, servers, 'bob'))

  // He was removed after the back-up, and alice's agent heard of it; that is lost, too, and so he is served.
  for (const name of ['early.bin', 'late.bin']) {
    const { id } = await atBob.ask('download', { group: 'reef', name, destination: atBob.folder, overwrite: false })
    t.is((await atBob.ask('download.follow', { id })).state, 'completed')
    t.true(readFileSync(join(atBob.folder, name)).equals(readFileSync(name === 'late.bin' ? late : early)))
  }
  t.true((await bob.trackers.ask('group.create', { group: 'g0' })).ok)
})

test('An altered or truncated backup is refused before anything is created, and so is a folder with a cluster in it.', async t => {
  const cluster = await startCluster(t, { brokers: 1, trackers: 1 })
  await person(t, cluster.servers, 'dora')
  const { file } = await backUpCluster(cluster.folder, join(tempFolder(t), 'own.backup'))
  await t.throwsAsync(backUpCluster(cluster.folder, file), { code: 'usage', message: /exists already/ })
  await t.throwsAsync(restoreCluster(file, { folder: cluster.folder }), { code: 'other-cluster', message: /not empty/ })
  const bytes = readFileSync(file)
  const altered = gunzipSync(bytes)
  const middle = altered.length >> 1
  altered[middle] = altered[middle] === 0x41 ? 0x42 : 0x41
  const ruined = {
    short: bytes.subarray(0, bytes.length - 20),
    // What is packed, not the file: a byte of that may stay as it was by chance, or unpack to the same.
    altered: gzipSync(altered),
    // A deflate block of the reserved type (RFC 1951, 3.2.3), right after gzip's head.
    damaged: Buffer.from(bytes).fill(0b111, 10, 11),
    other: Buffer.from('no back-up'),
    empty: Buffer.alloc(0),
  }
  for (const [how, content] of Object.entries(ruined)) {
    const bad = join(tempFolder(t), how)
    writeFileSync(bad, content)
    const folder = join(tempFolder(t), 'cluster')
    await t.throwsAsync(restoreCluster(bad, { folder }), { code: 'no-backup' }, how)
    t.false(readdirSync(folder).includes('secrets.json'))
  }
  await t.throwsAsync(restoreCluster('/nowhere/at/all', { folder: tempFolder(t) }), { message: /no such file/ })
})

test('A loopback cluster can be restored as one with only TLS.', async t => {
  const cluster = await startCluster(t, { brokers: 1, trackers: 1 })
  const { folder } = cluster
  const { file } = await backUpCluster(folder, tempFolder(t))
  await lose(cluster)
  const restored = await restoreCluster(file, { folder, tls: true })
  t.truthy(restored.authority)
  t.true(restored.nodes.every(({ state }) => state === 'running'))
})

test('An interrupted restore is never mistaken for a cluster.', async t => {
  const folder = tempFolder(t)
  writeFileSync(join(folder, 'restoring'), '')
  await t.throwsAsync(clusterUp({ folder }), { code: 'other-cluster', message: /restore again/ })
})
