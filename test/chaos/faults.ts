// Every fault: each strikes, lasts a while, and is repaired. A fault that needs something this machine lacks names it.
// Faults of one lane never overlap; those of the two lanes do.

import { cpSync, existsSync, rmSync, statSync, truncateSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { createProjection, removeProjection } from '../../src/storage/projection.ts'
import { readLogEntry } from '../../src/wire/log-entry.ts'
import { userEvents } from '../../src/wire/subjects.ts'
import type { Part } from './stage/part.ts'
import type { Agent, Stage, Tracker } from './stage/stage.ts'
import { oneOf } from './workload.ts'

export interface Fault {
  readonly name: string
  readonly lane: 'brokers' | 'others'
  /** What this machine lacks for it. */
  readonly lacks?: string | undefined
  /** Shortest and longest duration, ms. */
  readonly lasts: readonly [number, number]
  /** Strikes, and returns the function that repairs it. */
  strike(): Promise<() => Promise<void> | void>
}

export function faultsOf(
  stage: Stage,
  chance: () => number,
  agentLock: (agent: Agent) => Promise<() => void>,
): Fault[] {
  const { brokers, trackers, agents, hosts, hasHosts } = stage
  const short = [500, 4_000] as const
  const long = [2_000, 10_000] as const
  const nobody = agents.length > 0 ? undefined : 'nobody has an agent'
  const noHosts = hasHosts ? undefined : 'network namespaces need root and iproute2'
  const led = async (isLeader: boolean) => {
    const until = Date.now() + 60_000
    for (;;) {
      const leader = await stage.leader()
      if (leader)
        return isLeader
          ? leader
          : oneOf(
              chance,
              brokers.filter(broker => broker !== leader),
            )
      if (Date.now() > until) throw new Error('no broker leads the log')
      await delay(100)
    }
  }
  const killed = async (...parts: readonly Part[]) => {
    await Promise.all(parts.map(part => part.kill()))
    return () => {
      for (const part of parts) part.start()
    }
  }
  const paused = (part: Part) => {
    part.pause()
    return () => part.goOn()
  }
  const cut = async ({ host }: { host: number }) => {
    await hosts.cut(host)
    return () => hosts.mend(host)
  }
  const ruined = async (ruin: (tracker: Tracker) => void) => {
    const tracker = oneOf(chance, trackers)
    await tracker.kill()
    ruin(tracker)
    return () => tracker.start()
  }
  const ofAgent = async (harm: (agent: Agent) => Promise<() => Promise<void> | void> | (() => void)) => {
    const agent = oneOf(chance, agents)
    const unlock = await agentLock(agent)
    const mend = await harm(agent)
    return async () => {
      await mend()
      unlock()
    }
  }
  const moved = (node: Tracker | Agent) => {
    node.clock!.move((chance() < 0.5 ? -1 : 1) * Math.ceil(chance() * 1_800))
    return () => node.clock!.move(0)
  }
  const noClock = trackers[0]!.clock ? undefined : 'a clock is moved by libfaketime, which is not here'
  const noDisk = trackers[0]!.disk ? undefined : 'a small disk is a tmpfs, which takes root'
  const full = (node: Tracker | Agent) => {
    node.disk!.fill()
    return () => node.disk!.empty()
  }

  return [
    { name: "the leader's broker killed", lane: 'brokers', lasts: long, strike: async () => killed(await led(true)) },
    { name: 'another broker killed', lane: 'brokers', lasts: long, strike: async () => killed(await led(false)) },
    { name: "the leader's broker paused", lane: 'brokers', lasts: long, strike: async () => paused(await led(true)) },
    { name: 'another broker paused', lane: 'brokers', lasts: long, strike: async () => paused(await led(false)) },
    {
      name: "a broker's store wiped",
      lane: 'brokers',
      lasts: short,
      async strike() {
        const broker = oneOf(chance, brokers)
        await broker.kill()
        rmSync(broker.store, { recursive: true, force: true })
        return () => broker.start()
      },
    },
    {
      name: 'two brokers killed at once',
      lane: 'brokers',
      lasts: long,
      strike: async () => {
        const spared = oneOf(chance, brokers)
        return killed(...brokers.filter(broker => broker !== spared))
      },
    },
    {
      name: 'a tracker and the leader killed at once',
      lane: 'brokers',
      lasts: long,
      strike: async () => killed(await led(true), trackers.at(-1)!),
    },
    {
      name: 'a broker cut off',
      lane: 'brokers',
      lacks: noHosts,
      lasts: long,
      strike: async () => cut(oneOf(chance, brokers)),
    },
    {
      name: 'two brokers cut off from each other',
      lane: 'brokers',
      lacks: noHosts,
      lasts: long,
      async strike() {
        const [one, other] = [brokers[0]!.host, oneOf(chance, brokers.slice(1)).host]
        await hosts.sever(one, other)
        return () => hosts.rejoin(one, other)
      },
    },
    { name: 'the people cut off', lane: 'brokers', lacks: noHosts, lasts: long, strike: () => cut({ host: 0 }) },
    {
      name: 'a tracker cut off',
      lane: 'others',
      lacks: noHosts,
      lasts: long,
      strike: () => cut(oneOf(chance, trackers)),
    },
    { name: 'an agent cut off', lane: 'others', lacks: nobody ?? noHosts, lasts: long, strike: () => ofAgent(cut) },
    { name: 'a tracker killed', lane: 'others', lasts: short, strike: () => killed(oneOf(chance, trackers)) },
    { name: 'a tracker paused', lane: 'others', lasts: long, strike: async () => paused(oneOf(chance, trackers)) },
    { name: 'all trackers killed', lane: 'others', lasts: [200, 1_500], strike: () => killed(...trackers) },
    {
      name: 'an agent killed',
      lacks: nobody,
      lane: 'others',
      lasts: short,
      strike: () => ofAgent(agent => killed(agent)),
    },
    { name: 'an agent paused', lacks: nobody, lane: 'others', lasts: long, strike: () => ofAgent(paused) },
    {
      name: 'a projection deleted',
      lane: 'others',
      lasts: short,
      strike: () => ruined(({ projection }) => removeProjection(projection)),
    },
    {
      name: 'a projection truncated',
      lane: 'others',
      lasts: short,
      strike: () =>
        ruined(({ projection }) => {
          if (existsSync(projection)) truncateSync(projection, Math.floor(chance() * statSync(projection).size))
        }),
    },
    {
      name: "another cluster's projection in its place",
      lane: 'others',
      lasts: short,
      strike: () => ruined(({ projection, folder }) => leaveForeign(projection, `${folder}/foreign.db`, chance)),
    },
    {
      name: "a tracker's disk full",
      lane: 'others',
      lacks: noDisk,
      lasts: long,
      strike: async () => full(trackers[0]!),
    },
    {
      name: "an agent's disk full",
      lane: 'others',
      lacks: nobody ?? noDisk,
      lasts: long,
      async strike() {
        return full(agents[0]!)
      },
    },
    {
      name: "a tracker's clock moved",
      lane: 'others',
      lacks: noClock,
      lasts: long,
      strike: async () => moved(oneOf(chance, trackers)),
    },
    {
      name: "an agent's clock moved",
      lane: 'others',
      lacks: nobody ?? noClock,
      lasts: long,
      strike: async () => moved(oneOf(chance, agents)),
    },
  ]
}

/** A projection that has applied some entries of another, earlier log. */
function leaveForeign(projection: string, scratch: string, chance: () => number): void {
  removeProjection(scratch)
  const foreign = createProjection(scratch, '2020-01-01T00:00:00.000000000Z')
  const length = 1 + Math.floor(chance() * 100)
  for (let seq = 1; seq <= length; seq++) {
    const user = `stranger-${seq}`
    const id = `00000000-0000-4000-8000-${String(seq).padStart(12, '0')}`
    const record = { id, at: seq, events: [{ type: 'account.created', user, passwordHash: 'x', at: seq }] }
    foreign.apply([readLogEntry(seq, userEvents(user), Buffer.from(JSON.stringify(record)))])
  }
  foreign.close()
  removeProjection(projection)
  cpSync(scratch, projection)
  removeProjection(scratch)
}
