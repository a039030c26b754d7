// A run's report: the faults and how often each struck, the longest time without service, the number of requests, and the
// broken promises.

import { plainStyle } from '../../src/cli/render/style.ts'
import { renderTable } from '../../src/cli/render/table.ts'
import type { Entry, History } from './check/history.ts'
import type { Judgement } from './check/judge.ts'
import type { Strike } from './strikes.ts'

export interface Report {
  say(line: string): void
  readonly strikes: readonly Strike[]
  readonly history: History
  readonly judgement: Judgement
  readonly problems: readonly string[]
  readonly commands: { readonly count: number; readonly failed: number }
  readonly quietFrom: number
}

/** Longest time between two acknowledged writes of that person that overlaps the fault or its aftermath. */
export function interruption(entries: readonly Entry[], { from, mendedAt }: Strike, aftermathMs = 5_000): number {
  const until = Math.min(mendedAt, from + 60_000) + aftermathMs
  let [longest, before] = [0, entries[0]?.to ?? 0]
  for (const { to, answer } of entries) {
    if (answer.kind !== 'done') continue
    if (to >= from && before <= until) longest = Math.max(longest, to - before)
    before = to
  }
  return longest
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`

export function printReport({ say, strikes, history, judgement, problems, commands, quietFrom }: Report): void {
  const of = (user: string) => history.entries.filter(entry => entry.user === user)
  const [writes, looks] = [of('pulse'), of('looker')]
  const rows = [...Map.groupBy(strikes, ({ name }) => name)].map(([name, all]) => {
    const of = (entries: readonly Entry[]) => all.map(strike => interruption(entries, strike)).sort((a, b) => a - b)
    const shown = (sorted: readonly number[]) => `${seconds(sorted[sorted.length >> 1]!)} / ${seconds(sorted.at(-1)!)}`
    return { name, count: all.length, writes: shown(of(writes)), looks: shown(of(looks)) }
  })
  say('')
  say(
    renderTable<(typeof rows)[number]>(
      [
        { head: 'STRUCK', cell: ({ name }) => name },
        { head: 'TIMES', align: 'right', cell: ({ count }) => count },
        { head: 'NO WRITE FOR (median / longest)', align: 'right', cell: ({ writes }) => writes },
        { head: 'NO LOOK-UP FOR', align: 'right', cell: ({ looks }) => looks },
      ],
      rows.sort((a, b) => a.name.localeCompare(b.name)),
      plainStyle,
    ),
  )
  const { entries, log, deliveries, testimonies } = history
  const refused = entries.filter(({ answer }) => answer.kind === 'refused').length
  const kinds = new Set(entries.map(({ method }) => method)).size
  const asked = testimonies.reduce((sum, { reads }) => sum + reads.length, 0)
  say('')
  say(`${strikes.length} faults in ${seconds(quietFrom)}`)
  say(
    `${entries.length} requests of ${kinds} kinds: ${judgement.acknowledged} writes and ${judgement.reads} reads answered, ${refused} refused, ${judgement.maybe} left open`,
  )
  say(`${log.length} entries in the log; ${asked} questions to each tracker alone at the end`)
  say(
    `${commands.count} commands of people with agents, ${commands.failed} refused; ${deliveries.length} downloads ended, ${deliveries.filter(({ expected, found }) => expected === found).length} identical`,
  )
  for (const [kind, all] of Map.groupBy(judgement.violations, ({ kind }) => kind)) {
    say(`VIOLATION ${kind}: ${all.length}`)
    for (const { what } of all.slice(0, 5)) say(`  ${what}`)
  }
  for (const problem of problems) say(`PROBLEM ${problem}`)
  say(`${judgement.violations.length} promises broken, ${problems.length} problems`)
  say(`${judgement.lost} lost`)
}
