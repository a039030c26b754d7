// Every secret of a running cluster is replaced while it is used: all stay logged in, and a download runs throughout.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import anyTest, { type TestFn } from 'ava'
import { fingerprintOfAuthority } from '../../src/actors/client/broker-trust.ts'
import { openHome } from '../../src/actors/device/home.ts'
import { clusterDown, clusterStatus, clusterUp } from '../../src/cluster/cluster.ts'
import { connectOperator } from '../../src/cluster/operator.ts'
import { rotateSecrets } from '../../src/cluster/rotate.ts'
import { loadSecrets } from '../../src/cluster/secrets.ts'
import { randomFile } from '../helpers/agent-device.ts'
import { startCluster, type TestCluster } from '../helpers/cluster.ts'
import { type CommandLine, commandLine } from '../helpers/command-line.ts'
import { until } from '../helpers/until.ts'
import { withShared } from '../helpers/with-shared.ts'

/** Of one broker and one tracker: for rotations that are broken off, each of which leaves it whole. */
const test = withShared(anyTest.serial as TestFn<TestCluster>, t => startCluster(t, { brokers: 1, trackers: 1 }))

interface View {
  readonly state: string
  readonly pieces: { readonly done: number; readonly total: number }
}
const viewsOf = async (who: CommandLine) => (await who.json<View[]>('downloads'))[0]!

for (const tls of [true, false])
  test(`All secrets of a cluster ${tls ? 'with' : 'without'} TLS are replaced; accounts, log-ins and downloads go on.`, async t => {
    t.timeout(300_000)
    const cluster = await startCluster(t, { tls })
    const { folder, servers } = cluster
    const [alice, bob] = [commandLine(t, servers), commandLine(t, servers)]
    await alice.json('signup', 'alice')
    await alice.json('login', 'alice')
    await bob.json('signup', 'bob')
    await bob.json('login', 'bob')
    await alice.json('group', 'create', 'reef')
    await bob.json('group', 'join', 'reef')
    await alice.json('group', 'accept', 'reef', 'bob')
    const file = randomFile(alice.folder, 'film.bin', 64 * 2 ** 20)
    await alice.json('share', file, 'reef')
    await bob.json('limit', 'down', '300k')
    await bob.json('download', 'reef', 'film.bin', bob.folder)
    await until('the first piece is there', async () => (await viewsOf(bob))[0]!.pieces.done > 0)

    const before = loadSecrets(folder)
    const authority = await rotateSecrets(folder)
    const after = loadSecrets(folder)
    const flat = ({ trackerSeeds, authority, ...others }: typeof before) =>
      [...Object.values(trackerSeeds), ...Object.values(others), authority?.key, authority?.certificate].filter(Boolean)
    t.deepEqual(
      flat(before).filter(secret => flat(after).includes(secret)),
      [],
    )
    t.true((await clusterStatus(folder)).every(({ state }) => state === 'running'))
    await t.throwsAsync(connectOperator(servers, { ...before, authority: after.authority }))

    // Through all of that it ran, and it goes on to its end.
    const [during] = await viewsOf(bob)
    t.is(during!.state, 'downloading', JSON.stringify(during))
    await bob.json('limit', 'down', 'off')
    await until('it completes', async () => (await viewsOf(bob))[0]!.state === 'completed')
    t.true(readFileSync(join(bob.folder, 'film.bin')).equals(readFileSync(file)))

    // By new tickets, on the log-ins that people had.
    const other = randomFile(bob.folder, 'other.bin', 3_000_000)
    await bob.json('share', other, 'reef')
    const [done] = (await alice.json<View>('download', 'reef', 'other.bin', alice.folder, '--wait')).slice(-1)
    t.is(done!.state, 'completed')
    const carol = commandLine(t, servers)
    await carol.json('login', 'alice')
    if (!tls) return t.is(authority, undefined)
    for (const { home } of [alice, bob])
      t.is(fingerprintOfAuthority(openHome(home).trust.authority()!), fingerprintOfAuthority(authority!))
  })

test('An interrupted rotation continues where it stopped.', async t => {
  const cluster = t.context
  const alice = commandLine(t, cluster.servers)
  await alice.json('signup', 'alice')
  await alice.json('login', 'alice')
  for (const stopAt of ['brokers switch', 'trackers switch']) {
    const broken = rotateSecrets(cluster.folder, line => {
      if (line.includes(stopAt)) throw new Error('broken off')
    })
    await t.throwsAsync(broken, { message: 'broken off' })
    const { next, retiring } = loadSecrets(cluster.folder)
    await rotateSecrets(cluster.folder)
    const now = loadSecrets(cluster.folder)
    t.deepEqual([now.next, now.retiring], [undefined, undefined])
    if (next) t.is(now.issuerSeed, next.issuerSeed)
    t.is(retiring === undefined || now.issuerSeed !== retiring.issuerSeed, true)
    t.is((await alice.json<{ user: string }>('group', 'list')).length, 1)
  }
})

const ends = {
  'rotating again': rotateSecrets,
  async 'a plain restart'(folder: string) {
    await clusterDown(folder)
    await clusterUp({ folder })
  },
}
for (const [what, finish] of Object.entries(ends))
  test(`A rotation interrupted before its end accepts the old keys until ${what}, and not after.`, async t => {
    const { folder, servers } = t.context
    const old = loadSecrets(folder)
    const isLetIn = () =>
      connectOperator(servers, old).then(
        connection => connection.close().then(() => true),
        () => false,
      )
    const broken = rotateSecrets(folder, line => {
      if (line.includes('forget the old')) throw new Error('broken off')
    })
    await t.throwsAsync(broken, { message: 'broken off' })
    const { forgetting, ...fresh } = loadSecrets(folder)
    t.true(forgetting)
    t.true(await isLetIn())
    await finish(folder)
    t.false(await isLetIn())
    t.deepEqual(loadSecrets(folder), fresh, 'it goes on, and is not another one')
  })
