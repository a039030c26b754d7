// Whole swarms of Shoal, aria2 and libtorrent, compared. Every peer is a process on a host of its own. Each round runs
// every client once, one after another, from nothing, so that other load on the machine affects all alike. A run
// counts only if every leecher has the file, byte for byte. Separate hosts need root and iproute2; without them peers meet
// on loopback, and swarms with a rate are skipped. Without options: the two swarms of docs/performance.md.
//   npm run bench -- swarm [--seeds 4] [--leechers 1] [--mib 1024] [--rate MBIT] [--seed-rate MBIT] [--late SECONDS]
//                          [--fast COUNT --fast-rate MBIT] [--leave SECONDS] [--quit]
//                          [--rounds 3] [--clients shoal,aria2,libtorrent] [--limit 300] [--json]
// --late: every second leecher starts that much later. --fast: that many leechers have lines of --fast-rate instead.
// --leave: every seed but the first leaves after that long. --quit: a leecher leaves as soon as it has the file.

import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { plainStyle } from '../src/cli/render/style.ts'
import { renderTable } from '../src/cli/render/table.ts'
import { workFolder, writeRandomFile } from './support/random-file.ts'
import { median } from './support/statistics.ts'
import { aria2, libtorrent } from './swarm/bittorrent.ts'
import type { Client } from './swarm/client.ts'
import { loopbackHosts, namespaceHosts, whyNoNamespaces } from './swarm/hosts.ts'
import { shoal } from './swarm/shoal.ts'
import { type Usage, usageOf } from './swarm/usage.ts'

const known: Record<string, Client> = { shoal, aria2, libtorrent }
const mib = 2 ** 20
const gib = 2 ** 30

interface Case {
  readonly seeds: number
  readonly leechers: number
  readonly mib: number
  /** Mbit/s both ways of every peer; undefined: unlimited. */
  readonly rate: number | undefined
  readonly seedRate: number | undefined
  readonly lateSeconds: number | undefined
  readonly leaveSeconds: number | undefined
  /** How many leechers, the last ones, have lines of `fastRate`. */
  readonly fast: number
  readonly fastRate: number | undefined
  readonly isQuitting: boolean
}

/** One client's run. Means over the peers of a kind, except `seconds`, which is that of the last leecher. */
interface Run {
  readonly seconds: number
  readonly leecher: Usage
  readonly seed: Usage
}

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    leechers: { type: 'string' },
    mib: { type: 'string' },
    rate: { type: 'string' },
    'seed-rate': { type: 'string' },
    late: { type: 'string' },
    leave: { type: 'string' },
    fast: { type: 'string', default: '0' },
    'fast-rate': { type: 'string' },
    quit: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    clients: { type: 'string', default: Object.keys(known).join(',') },
    limit: { type: 'string', default: '300' },
    json: { type: 'boolean', default: false },
  },
})

const numberOf = (text: string | undefined) => (text === undefined ? undefined : Number(text))

function casesAsked(): readonly Case[] {
  const { seeds, leechers, rate, late, leave } = values
  const rest = {
    seedRate: numberOf(values['seed-rate']),
    lateSeconds: numberOf(late),
    leaveSeconds: numberOf(leave),
    fast: Number(values.fast),
    fastRate: numberOf(values['fast-rate']),
    isQuitting: values.quit,
  }
  const unshaped = { seeds: 4, leechers: 1, mib: 1024, rate: undefined, ...rest }
  const shaped = { seeds: 1, leechers: 8, mib: 128, rate: 50, ...rest }
  if ([seeds, leechers, values.mib, rate, late, leave].every(value => value === undefined)) return [unshaped, shaped]
  const base = rate === undefined ? unshaped : shaped
  return [
    {
      ...base,
      seeds: numberOf(seeds) ?? base.seeds,
      leechers: numberOf(leechers) ?? base.leechers,
      mib: numberOf(values.mib) ?? base.mib,
      rate: numberOf(rate),
    },
  ]
}

/** Seconds that no swarm can beat, if all start together and stay: bounded by the seeds' upload, a download, everyone's upload. */
function fluidBound({ seeds, leechers, rate, seedRate, fast, fastRate, ...rest }: Case): number | undefined {
  const { lateSeconds, leaveSeconds, isQuitting } = rest
  if (rate === undefined || lateSeconds !== undefined || leaveSeconds !== undefined || isQuitting) return undefined
  const bytesPerSecond = (mbit: number) => (mbit * 1e6) / 8
  const size = rest.mib * mib
  const upload = bytesPerSecond(rate)
  const seedUpload = seeds * bytesPerSecond(seedRate ?? rate)
  const leechersUpload = (leechers - fast) * upload + fast * bytesPerSecond(fastRate ?? rate)
  return Math.max(size / seedUpload, size / upload, (leechers * size) / (seedUpload + leechersUpload))
}

function describe({
  seeds,
  leechers,
  rate,
  seedRate,
  lateSeconds,
  leaveSeconds,
  fast,
  fastRate,
  ...rest
}: Case): string {
  const parts = [`${seeds} seeds, ${leechers} leechers, ${rest.mib} MiB`]
  parts.push(rate === undefined ? 'unshaped' : `${rate} Mbit/s both ways`)
  if (seedRate !== undefined) parts.push(`seeds ${seedRate} Mbit/s`)
  if (fast > 0 && fastRate !== undefined) parts.push(`${fast} of the leechers ${fastRate} Mbit/s`)
  if (lateSeconds !== undefined) parts.push(`every other leecher ${lateSeconds} s late`)
  if (leaveSeconds !== undefined) parts.push(`all seeds but one gone after ${leaveSeconds} s`)
  if (rest.isQuitting) parts.push('leechers gone as soon as they have it')
  return parts.join(', ')
}

const isSame = (one: string, other: string) => spawnSync('cmp', ['-s', one, other]).status === 0

function mean(usages: readonly Usage[]): Usage {
  const over = (pick: (usage: Usage) => number) => usages.reduce((sum, usage) => sum + pick(usage), 0) / usages.length
  return { cpuSeconds: over(usage => usage.cpuSeconds), peakMib: over(usage => usage.peakMib) }
}

async function runOnce(client: Client, swarmCase: Case, work: string, payload: string): Promise<Run> {
  const { seeds, leechers, rate, seedRate, lateSeconds = 0, leaveSeconds, fast, fastRate, isQuitting } = swarmCase
  const folder = mkdtempSync(join(work, 'run-'))
  const seedHosts = Array.from({ length: seeds }, (_, index) => index + 1)
  const leecherHosts = Array.from({ length: leechers }, (_, index) => seeds + index + 1)
  try {
    await using hosts = whyNoNamespaces() ? loopbackHosts() : await namespaceHosts(1 + seeds + leechers)
    await using swarm = await client.open({ hosts, folder, payload, seeds, leechers })
    const seedPids: number[] = []
    for (const host of seedHosts) seedPids.push(await swarm.seed(host))
    await swarm.seedsReady()
    for (const host of [...seedHosts, ...leecherHosts]) {
      const isFast = host > seeds + leechers - fast
      const limit = host <= seeds ? (seedRate ?? rate) : isFast ? (fastRate ?? rate) : rate
      if (limit !== undefined) await hosts.limit(host, limit)
    }

    const before = new Map<number, Usage | undefined>(seedPids.map(pid => [pid, usageOf(pid)]))
    const leecherPids: number[] = []
    /** Of the leechers that have left. */
    const lastUsage = new Map<number, Usage>()
    const over = new AbortController()
    const leech = async (host: number, index: number): Promise<number> => {
      if (index % 2 === 1 && lateSeconds > 0) await delay(lateSeconds * 1000, undefined, { signal: over.signal })
      const startedAt = performance.now()
      const { pid, whole } = swarm.leech(host)
      leecherPids.push(pid)
      before.set(pid, client === shoal ? usageOf(pid) : undefined)
      await whole
      const seconds = (performance.now() - startedAt) / 1000
      const usage = usageOf(pid)
      if (isQuitting && usage) {
        lastUsage.set(pid, usage)
        process.kill(pid, 'SIGTERM')
      }
      return seconds
    }
    const leave = async () => {
      await delay(leaveSeconds! * 1000, undefined, { signal: over.signal })
      for (const pid of seedPids.slice(1)) process.kill(pid, 'SIGKILL')
    }
    const tooLong = async (): Promise<never> => {
      await delay(Number(values.limit) * 1000, undefined, { signal: over.signal })
      throw new Error(`not done after ${values.limit} s`)
    }
    if (leaveSeconds !== undefined) leave().catch(() => {})
    const seconds = await Promise.race([Promise.all(leecherHosts.map(leech)), tooLong(), interruption])
    const used = (pids: readonly number[]) =>
      mean(
        pids.flatMap(pid => {
          const now = lastUsage.get(pid) ?? usageOf(pid)
          return now ? [{ ...now, cpuSeconds: now.cpuSeconds - (before.get(pid)?.cpuSeconds ?? 0) }] : []
        }),
      )
    const run = { seconds: Math.max(...seconds), leecher: used(leecherPids), seed: used(seedPids) }
    over.abort()
    for (const host of leecherHosts)
      if (!isSame(payload, join(folder, `d${host}`, 'payload.bin')))
        throw new Error(`host ${host} has a different file`)
    return run
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function report(swarmCase: Case, runs: ReadonlyMap<string, readonly Run[]>): void {
  const bound = fluidBound(swarmCase)
  const delivered = (swarmCase.leechers * swarmCase.mib * mib) / gib
  const rows = [...runs]
    .filter(([, done]) => done.length > 0)
    .map(([name, done]) => {
      const of = (pick: (run: Run) => number) => median(done.map(pick))
      const seconds = of(run => run.seconds)
      return {
        client: name,
        runs: done.map(run => Number(run.seconds.toFixed(2))),
        seconds,
        megabytesPerSecond: (swarmCase.mib * mib) / 1e6 / seconds,
        overBound: bound === undefined ? undefined : seconds / bound,
        leecherCpuPerGib: (of(run => run.leecher.cpuSeconds) * swarmCase.leechers) / delivered,
        seedsCpuPerGib: (of(run => run.seed.cpuSeconds) * swarmCase.seeds) / delivered,
        leecherMib: of(run => run.leecher.peakMib),
        seedMib: of(run => run.seed.peakMib),
      }
    })
  if (values.json) {
    console.log(JSON.stringify({ case: swarmCase, bound, rows }))
    return
  }
  const ours = rows.find(({ client }) => client === 'shoal')
  const columns = [
    { head: 'client', cell: row => row.client },
    { head: 'seconds', align: 'right', cell: row => row.seconds.toFixed(2) },
    { head: 'MB/s', align: 'right', cell: row => row.megabytesPerSecond.toFixed(0) },
    { head: 'over the bound', align: 'right', cell: row => row.overBound?.toFixed(2) ?? '-' },
    { head: 'shoal is', align: 'right', cell: row => (ours ? `${(row.seconds / ours.seconds).toFixed(2)}x` : '-') },
    { head: 'CPU s/GiB leecher', align: 'right', cell: row => row.leecherCpuPerGib.toFixed(2) },
    { head: 'seeds', align: 'right', cell: row => row.seedsCpuPerGib.toFixed(2) },
    { head: 'peak MiB leecher', align: 'right', cell: row => row.leecherMib.toFixed(0) },
    { head: 'seed', align: 'right', cell: row => row.seedMib.toFixed(0) },
    { head: 'rounds', cell: row => row.runs.join(' ') },
  ] satisfies Parameters<typeof renderTable<(typeof rows)[number]>>[0]
  console.log(renderTable(columns, rows, plainStyle))
  if (bound !== undefined) console.log(`fluid bound ${bound.toFixed(2)} s`)
}

// The run itself removes its hosts and processes.
const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => interrupted.abort(new Error('interrupted')))
const interruption = once(interrupted.signal, 'abort').then(() => Promise.reject(interrupted.signal.reason))
interruption.catch(() => {})

const say = (text: string) => console.error(text)
const clients = values.clients.split(',').filter(name => {
  const why = known[name] ? known[name].missing() : 'no such client'
  if (why !== undefined) say(`${name} is skipped: ${why}`)
  return why === undefined
})
const noNamespaces = whyNoNamespaces()
if (noNamespaces) say(`on loopback: ${noNamespaces}`)

const work = workFolder()
for (const swarmCase of casesAsked()) {
  say(`\n${describe(swarmCase)}`)
  if (noNamespaces && swarmCase.rate !== undefined) {
    say(`skipped: ${noNamespaces}`)
    continue
  }
  const payload = join(work, 'payload.bin')
  writeRandomFile(payload, swarmCase.mib * mib)
  const runs = new Map<string, Run[]>(clients.map(name => [name, []]))
  for (let round = 1; round <= Number(values.rounds); round += 1)
    for (const name of clients) {
      if (interrupted.signal.aborted) break
      try {
        const run = await runOnce(known[name]!, swarmCase, work, payload)
        runs.get(name)!.push(run)
        say(`round ${round} ${name}: ${run.seconds.toFixed(2)} s`)
      } catch (error) {
        say(`round ${round} ${name}: failed: ${(error as Error).message}`)
        process.exitCode = 1
      }
    }
  report(swarmCase, runs)
  if (interrupted.signal.aborted) break
}
process.exit()
