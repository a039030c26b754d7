// How long service is interrupted when trackers and brokers die, and how many commands fail. Measured from the client's side
// as the longest time between two answers, with writes and reads that each follow the one before.
//   npm run bench -- failover [--rounds 5]

import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { plainStyle } from '../src/cli/render/style.ts'
import { renderTable } from '../src/cli/render/table.ts'
import { clusterStatus } from '../src/cluster/cluster.ts'
import type { Entry } from '../test/chaos/check/history.ts'
import { createLightPerson, type LightPerson } from '../test/chaos/light-person.ts'
import { startCluster, type TestCluster } from '../test/helpers/cluster.ts'
import { outsideTest } from '../test/helpers/outside-test.ts'
import { median } from './support/statistics.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } })
const watchedMs = 15_000
const thinkingMs = 10

interface Scenario {
  readonly name: string
  /** Which nodes to kill, given the broker that leads the log. */
  victims(leader: string): string[]
  /** Restart them after this long, within the measured time. */
  readonly returnAfterMs?: number
}
const brokers = ['n1', 'n2', 'n3']
const followers = (leader: string) => brokers.filter(name => name !== leader)
const scenarios: readonly Scenario[] = [
  { name: 'a tracker', victims: () => ['t1'] },
  { name: "the log leader's broker", victims: leader => [leader] },
  { name: 'another broker', victims: leader => followers(leader).slice(0, 1) },
  { name: "a tracker and the leader's broker at once", victims: leader => ['t1', leader] },
  {
    name: 'two of three brokers, back after 5 s',
    victims: leader => [leader, followers(leader)[0]!],
    returnAfterMs: 5_000,
  },
]

const outside = outsideTest()
const cluster = await startCluster(outside.t)
const entries: Entry[] = []
const recorder = { entries, now: () => performance.now() }
const calm = { chance: () => 1, answerLost: 0 }
// Brokers on loopback speak without TLS.
const noTrust = { authority: () => undefined, follow() {} }
const [writer, reader] = ['writer', 'reader'].map(user =>
  createLightPerson(user, cluster.servers, noTrust, recorder, calm),
) as [LightPerson, LightPerson]
for (const person of [writer, reader]) await person.ask('group.list', {})

/** Asks one thing after another until the end; records each answer and its time. */
async function askOn(person: LightPerson, isOver: () => boolean): Promise<{ longestMs: number; failed: number }> {
  let [longestMs, failed, doneAt] = [0, 0, performance.now()]
  for (let number = 0; !isOver(); number++) {
    const isWrite = person === writer
    const answer = isWrite
      ? await person.ask(number % 2 === 0 ? 'group.create' : 'group.leave', { group: 'pulse' })
      : await person.ask('group.list', {})
    // An earlier attempt may have taken effect: being told so is an answer.
    const isAnswered = answer?.kind === 'done' || (answer?.kind === 'refused' && answer.code !== 'no-quorum')
    if (isAnswered) {
      longestMs = Math.max(longestMs, performance.now() - doneAt)
      doneAt = performance.now()
    } else failed++
    await delay(thinkingMs)
  }
  return { longestMs: Math.max(longestMs, performance.now() - doneAt), failed }
}

async function whole({ folder }: TestCluster): Promise<string> {
  for (;;) {
    const nodes = await clusterStatus(folder)
    const leader = nodes.find(node => node.leader)
    if (leader && nodes.every(({ state }) => state === 'running')) return leader.node
    await delay(200)
  }
}

const rows = []
try {
  for (const { name, victims, returnAfterMs } of scenarios) {
    const found: { write: { longestMs: number; failed: number }; look: { longestMs: number; failed: number } }[] = []
    for (let round = 0; round < Number(values.rounds); round++) {
      const struck = victims(await whole(cluster))
      await delay(2_000)
      let isOver = false
      const asking = Promise.all([askOn(writer, () => isOver), askOn(reader, () => isOver)])
      await delay(500)
      await Promise.all(struck.map(node => cluster.kill(node)))
      if (returnAfterMs !== undefined) {
        await delay(returnAfterMs)
        await Promise.all(struck.map(node => cluster.start(node)))
      }
      await delay(watchedMs)
      isOver = true
      const [write, look] = await asking
      found.push({ write, look })
      if (returnAfterMs === undefined) for (const node of struck) await cluster.start(node)
    }
    const shown = (of: 'write' | 'look') => {
      const longest = found.map(each => each[of].longestMs / 1000)
      return `${median(longest).toFixed(2)} / ${Math.max(...longest).toFixed(2)} s`
    }
    const failed = (of: 'write' | 'look') => found.reduce((sum, each) => sum + each[of].failed, 0)
    rows.push({
      name,
      write: shown('write'),
      look: shown('look'),
      writesFailed: failed('write'),
      looksFailed: failed('look'),
    })
    console.error(JSON.stringify(rows.at(-1)))
  }
} finally {
  for (const person of [writer, reader]) await person.close()
  await outside.end()
}
console.log(
  renderTable<(typeof rows)[number]>(
    [
      { head: 'KILLED', cell: ({ name }) => name },
      { head: 'NO WRITE (median / longest)', align: 'right', cell: ({ write }) => write },
      { head: 'FAILED', align: 'right', cell: ({ writesFailed }) => writesFailed },
      { head: 'NO LOOK-UP', align: 'right', cell: ({ look }) => look },
      { head: 'FAILED', align: 'right', cell: ({ looksFailed }) => looksFailed },
    ],
    rows,
    plainStyle,
  ),
)
process.exit()
