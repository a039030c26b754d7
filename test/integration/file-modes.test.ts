// Only the owner can read the files of a cluster's folder and of a device's home. What a person downloads is theirs to give
// to others, as their umask says.

import { lstatSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { startCluster } from '../helpers/cluster.ts'
import { commandLine } from '../helpers/command-line.ts'

/** Everything below a folder, and itself. */
const everything = (folder: string): string[] => [
  folder,
  ...readdirSync(folder, { recursive: true, encoding: 'utf8' }).map(name => join(folder, name)),
]
const openToOthers = (folder: string) =>
  everything(folder).flatMap(path => {
    const mode = lstatSync(path).mode & 0o777
    return (mode & 0o077) === 0 ? [] : [`${path} ${mode.toString(8)}`]
  })

test('Every file of a running cluster, and of a home with an agent, is for its owner alone; downloads have the umask’s modes.', async t => {
  // As on a machine where people of one group work on each other's files, and all others may read them.
  const before = process.umask(0o002)
  t.teardown(() => process.umask(before))
  const cluster = await startCluster(t, { brokers: 1, trackers: 1, tls: true })
  const alice = commandLine(t, cluster.servers)
  const home = join(alice.folder, 'own')
  const env = { env: { SHOAL_HOME: home } }
  for (const words of ['signup alice', 'login alice', 'group create g'])
    t.is((await alice.run(words.split(' '), env)).code, 0)
  writeFileSync(join(alice.folder, 'file'), 'content')
  t.is((await alice.run(['share', join(alice.folder, 'file'), 'g'], env)).code, 0)
  const bob = commandLine(t, cluster.servers)
  const downloaded = join(bob.folder, 'downloaded')
  await bob.json('signup', 'bob')
  await bob.json('login', 'bob')
  await bob.json('group', 'join', 'g')
  t.is((await alice.run(['group', 'accept', 'g', 'bob'], env)).code, 0)
  await bob.json('download', 'g', 'file', downloaded, '--wait')
  t.is(lstatSync(downloaded).mode & 0o777, 0o664)

  const [of, at] = [everything(cluster.folder), everything(home)]
  for (const name of ['secrets.json', 'turn.db', 't1/projection.db', 'n1/log', 'n1/config/key.pem', 'n1/store'])
    t.true(of.includes(join(cluster.folder, name)), name)
  for (const name of ['session.json', 'library.db', 'authority.json', 'agent.log', 'run/agent.sock'])
    t.true(at.includes(join(home, name)), name)
  t.deepEqual([...openToOthers(cluster.folder), ...openToOthers(home)], [])
  t.is((await alice.run(['agent', 'stop'], env)).code, 0)
})
