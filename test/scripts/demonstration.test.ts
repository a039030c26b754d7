// The three people of `npm start`: real agents on a real cluster.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { prepareDemonstration } from '../../scripts/demonstration.ts'
import { type CommandRunner, Commands } from '../../scripts/person.ts'
import { agentIsRunning } from '../../src/actors/device/agent-process.ts'
import { openHome } from '../../src/actors/device/home.ts'
import { startCluster } from '../helpers/cluster.ts'
import { runInThisProcess } from '../helpers/command-line.ts'

const MiB = 2 ** 20

/** With the commands in this process. */
const createCommandsHere = (): CommandRunner => ({
  async run(words, env, onLine) {
    const { code, out, err } = await runInThisProcess(words, env)
    if (code !== 0) throw new Error(`shoal ${words.join(' ')} ended with ${code}: ${err}`)
    for (const line of out.trimEnd().split('\n')) onLine(line)
  },
  stop: async () => {},
})

test('The three people repeat a download, leave nothing behind, and can come back.', async t => {
  // Some forty commands, each a process.
  t.timeout(180_000)
  const cluster = await startCluster(t, { brokers: 1, trackers: 1 })
  const folder = join(cluster.folder, 'demonstration')
  const homes = ['demo-ann', 'demo-ben', 'demo-cat'].map(name => join(folder, name))
  const runningAgents = () => homes.filter(home => agentIsRunning(openHome(home)))

  for (const [visit, rounds] of [2, 1].entries()) {
    // Commands as processes take five times as long: once is enough.
    const createCommands = visit === 0 ? createCommandsHere : () => new Commands()
    const people = await prepareDemonstration(cluster.folder, cluster.servers, { sizeBytes: 2 * MiB, createCommands })
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
