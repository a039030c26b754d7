// One run, on the people's host: starts the cluster, lets people work while faults strike until the time is up, repairs
// everything, reads the log, the trackers and the disks, and judges the result. Exits with 1 if a promise was broken, with
// 70 if the run itself did not work.

import { writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { hostsOf, loopbackHosts, whyNoNamespaces } from '../../bench/swarm/hosts.ts'
import { freePort } from '../../src/cluster/free-port.ts'
import { seededRandom } from '../helpers/seeded-random.ts'
import type { Entry } from './check/history.ts'
import { judge } from './check/judge.ts'
import { createCommandPerson } from './command-person.ts'
import { faultsOf } from './faults.ts'
import { createLightPerson, type LightPerson } from './light-person.ts'
import { healed, hearEach, readLog } from './outcome.ts'
import { printReport } from './report.ts'
import { beginSharing, goOnSharing, type Sharer } from './sharing.ts'
import { setStage } from './stage/stage.ts'
import { type Strike, strikeUntil } from './strikes.ts'
import { beat, fightOver, look } from './workload.ts'

interface Options {
  readonly minutes: string
  readonly seed: string
  readonly trackers: string
  readonly agents: string
  readonly short: boolean
  readonly keep?: string
  readonly source: string
  readonly folder: string
  readonly prefix: string
  readonly faketime?: string
}
const options = JSON.parse(process.argv[2]!) as Options
process.once('uncaughtException', error => {
  console.error(error)
  process.exit(70)
})
const seed = Number(options.seed)
const chanceOf = (stream: number) => seededRandom(seed * 1_000 + stream)
const say = (line: string) => console.log(line)
const began = performance.now()
const recorder = { entries: [] as Entry[], now: () => performance.now() - began }
const hasHosts = whyNoNamespaces() === undefined

say(
  `seed ${seed}, ${options.minutes} minutes, ${hasHosts ? 'a network namespace a host' : `on loopback: ${whyNoNamespaces()}`}`,
)
const stage = await setStage({
  folder: options.folder,
  hosts: hasHosts ? hostsOf(options.prefix) : loopbackHosts(),
  hasHosts,
  port: hasHosts ? 14_222 : await freePort(),
  trackers: Number(options.trackers),
  agents: Number(options.agents),
  source: options.source,
  faketime: options.faketime,
  hasSmallDisks: hasHosts,
})
for (const part of [...stage.brokers, ...stage.trackers, ...stage.agents]) part.start()
const problems: string[] = []
const atFirst = await healed(stage, 60_000)
if (atFirst !== undefined) throw new Error(`the cluster did not come up: ${atFirst}`)

let isCalm = false
const mischief = (stream: number) => {
  const chance = chanceOf(stream)
  return { chance: () => (isCalm ? 1 : chance()), answerLost: 0.05 }
}
const noMischief = { chance: () => 1, answerLost: 0 }
const names = ['ann', 'bob', 'cat', 'dan', 'eve', 'fay']
const lights = names.map((name, index) =>
  createLightPerson(name, stage.servers, stage.trust, recorder, mischief(10 + index)),
)
const pulse = createLightPerson('pulse', stage.servers, stage.trust, recorder, noMischief)
const looker = createLightPerson('looker', stage.servers, stage.trust, recorder, noMischief)

const locks = new Map<unknown, Promise<void>>()
/** Waits for its turn, and returns the function that ends it. */
const lock = async (what: unknown): Promise<() => void> => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const before = locks.get(what)
  locks.set(what, promise)
  await before
  return resolve
}
const sharers = stage.agents.map(
  (agent, index): Sharer => ({
    person: createCommandPerson(`diver${index + 1}`, agent.home, stage.servers, recorder, agent.disk === undefined),
    folder: agent.folder,
    async whileAgentRuns(work) {
      const unlock = await lock(agent)
      try {
        return await work()
      } finally {
        unlock()
      }
    },
  }),
)
const originals = sharers.length > 0 ? await beginSharing(sharers, options.short ? 4 : 12) : new Map<string, string>()

const stop = new AbortController()
const { signal } = stop
const groups = ['reef', 'kelp', 'cove', 'bank']
const thinkingMs = options.short ? 120 : 150
const living = [
  ...lights.map((light, index) => fightOver(light, names, groups, chanceOf(30 + index), thinkingMs, signal)),
  beat(pulse, 100, signal),
  look(looker, 100, signal),
]
const { sharing, ended } = goOnSharing(sharers, originals, chanceOf(50), signal)

const faults = faultsOf(stage, chanceOf(60), agent => lock(agent))
const skipped = faults.filter(({ lacks }) => lacks !== undefined)
for (const { name, lacks } of skipped) say(`skipped: ${name}: ${lacks}`)
const strikes: Strike[] = []
const endsAt = recorder.now() + Number(options.minutes) * 60_000
const terminated = new Promise<void>(resolve => process.once('SIGTERM', resolve))
const striking = (['brokers', 'others'] as const).map((lane, index) =>
  strikeUntil({
    faults: faults.filter(fault => fault.lane === lane && fault.lacks === undefined),
    chance: chanceOf(70 + index),
    isOver: () => recorder.now() > endsAt || signal.aborted,
    now: recorder.now,
    isShort: options.short,
    // A broker that lost its disk needs the others to be complete; no replication can do without that.
    ready: lane === 'brokers' ? () => untilTrue(() => stage.isCurrent(), 60_000) : async () => true,
    onStrike: strike => {
      strikes.push(strike)
      say(`${(strike.from / 1000).toFixed(1).padStart(7)} s  ${strike.name}`)
    },
    onStuck: problem => problems.push(problem),
  }),
)
await Promise.race([Promise.all(striking), terminated])
const quietFrom = recorder.now()
const sayWhen = (what: string) => say(`${(recorder.now() / 1000).toFixed(1).padStart(7)} s  ${what}`)
sayWhen('everything is mended')
const notHealed = await healedWhileLiving()
if (notHealed !== undefined) problems.push(`not healed: ${notHealed}`)
stop.abort()
await Promise.all([...living, ended])
sayWhen('everybody rests')
isCalm = true
for (const part of [...stage.brokers, ...stage.trackers, ...stage.agents]) {
  if (part.deaths.length === 0) continue
  problems.push(`${part.name} ended ${part.deaths.length} times by itself`)
  for (const death of part.deaths) say(`${part.name} ended by itself, ${death}`)
  part.start()
}
if (sharers.length > 0)
  for (const open of await sharing.settle(90_000)) problems.push(`a download did not end: ${open}`)
const quiet = await healed(stage, 30_000)
if (quiet !== undefined) problems.push(`not equal: ${quiet}`)
for (const agent of stage.agents) await agent.stop()
const witnesses: LightPerson[] = [...lights, pulse]
// A log-in that is due must be in the log that trackers are compared with.
for (const person of witnesses) {
  const isIn = await untilTrue(async () => (await person.ask('group.list', {}))?.kind === 'done', 60_000)
  if (!isIn) throw new Error(`${person.user} is answered by nobody, long after everything was mended`)
}
const log = await readLog(stage)
sayWhen('the log is read')
const testimonies = await hearEach(stage, witnesses, log)
for (const person of [...witnesses, looker]) await person.close()
for (const { person } of sharers) await person.close()

const history = { entries: recorder.entries, log, testimonies, deliveries: sharing.deliveries }
if (options.keep !== undefined) writeFileSync(options.keep, JSON.stringify({ seed, strikes, ...history }))
const judgement = judge(history)
printReport({ say, strikes, history, judgement, problems, commands: sharing.commands, quietFrom })
process.exitCode = judgement.violations.length + problems.length === 0 ? 0 : 1
for (const part of [...stage.trackers, ...stage.brokers]) await part.kill()
process.exit()

async function untilTrue(isSo: () => Promise<boolean>, withinMs: number): Promise<boolean> {
  for (const until = Date.now() + withinMs; Date.now() < until; await delay(200)) if (await isSo()) return true
  return false
}

async function healedWhileLiving(): Promise<string | undefined> {
  const isBack = await untilTrue(async () => {
    const last = recorder.entries.findLast(({ user, answer }) => user === 'pulse' && answer.kind === 'done')
    return last !== undefined && last.from > quietFrom && (await stage.isCurrent())
  }, 60_000)
  return isBack ? undefined : 'nothing was written for a minute with nothing amiss'
}
