// The people whom `npm start` calls in: real agents on a real cluster.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { prepareDemonstration } from '../../scripts/demonstration.ts'
import { person } from '../../scripts/person.ts'
import { agentIsRunning } from '../../src/actors/device/agent-process.ts'
import { openHome } from '../../src/actors/device/home.ts'
import { startCluster } from '../helpers/cluster.ts'
import { runInThisProcess } from '../helpers/command-line.ts'

const MiB = 2 ** 20

/** As `person`, with the commands in this process. */
const personHere: typeof person = (name, home, servers, password) => {
  const env = { ...process.env, SHOAL_HOME: home, SHOAL_SERVERS: servers, SHOAL_PASSWORD: password }
  const shoal = async (...words: string[]) => {
    const { code, out, err } = await runInThisProcess(words, env)
    if (code !== 0) throw new Error(`${name}: shoal ${words.join(' ')} ended with ${code}: ${err}`)
    return out.trimEnd()
  }
  return {
    name,
    shoal,
    async follow(words, onLine) {
      for (const line of (await shoal(...words)).split('\n')) onLine(line)
    },
  }
}

test('The three show a download again and again, leave nothing of it behind, and come back.', async t => {
  // Some forty commands, each a process.
  t.timeout(180_000)
  const cluster = await startCluster(t, { brokers: 1, trackers: 1 })
  const folder = join(cluster.folder, 'demonstration')
  const homes = ['demo-ann', 'demo-ben', 'demo-cat'].map(name => join(folder, name))
  const runningAgents = () => homes.filter(home => agentIsRunning(openHome(home)))

  for (const [visit, rounds] of [2, 1].entries()) {
    // Commands as processes cost five times as much: once is enough.
    const personOf = visit === 0 ? personHere : person
    const people = await prepareDemonstration(cluster.folder, cluster.servers, { sizeBytes: 2 * MiB, personOf })
    t.teardown(() => people.end())
    for (let round = 0; round < rounds; round += 1) {
      const { peers } = await people.download()
      const from = peers.filter(({ pieces }) => pieces > 0)
      t.is(
        from.reduce((sum, { pieces }) => sum + pieces, 0),
        4,
        `visit ${visit}, round ${round}`,
      )
      t.true(from.every(({ user }) => user === 'demo-ann' || user === 'demo-ben'))
    }
    t.is(runningAgents().length, 3)
    await people.end()
    t.deepEqual(runningAgents(), [])
    for (const gone of ['sample.bin', 'arrivals']) t.false(existsSync(join(folder, gone)), gone)
  }
})
