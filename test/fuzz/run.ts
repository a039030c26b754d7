// npm run fuzz -- [--cases 1000000] [--seed N] [--target WORDS]: that many cases over all targets, and figures for each.

import { parseArgs } from 'node:util'
import { supervise } from './supervise.ts'
import { targets } from './targets.ts'

const { values } = parseArgs({
  options: { cases: { type: 'string', default: '1000000' }, seed: { type: 'string' }, target: { type: 'string' } },
})
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))
const chosen = targets.filter(({ name }) => name.includes(values.target ?? ''))
const weight = chosen.reduce((sum, { share = 1 }) => sum + share, 0)
const each = Math.ceil(Number(values.cases) / weight)
if (!(each > 0) || !Number.isInteger(seed)) {
  console.error('usage: npm run fuzz -- [--cases 1000000] [--seed N] [--target WORDS]')
  process.exit(2)
}
console.log(`${chosen.length} targets, ${each} cases each (fewer of expensive ones) and the corpus, seed ${seed}`)
const began = performance.now()
let memory = 0
const measuring = setInterval(() => {
  memory = Math.max(memory, process.memoryUsage.rss() / 2 ** 20)
}, 100)
const reports = await supervise({
  module: new URL('targets.ts', import.meta.url).href,
  names: chosen.map(({ name }) => name),
  cases: each,
  seed,
  onReport({ target, cases, taken, slowestMs, finding }) {
    const [all, right] = [String(cases).padStart(8), String(taken).padStart(8)]
    console.log(`${target.padEnd(36)} ${all} cases ${right} taken  slowest ${slowestMs.toFixed(1)} ms`)
    if (!finding) return
    const { error, input } = finding
    console.log(`  FOUND at ${finding.case}: ${error.name}: ${error.message.slice(0, 300)}`)
    const why = error.message.slice(0, 80)
    if (input) console.log(`  ${JSON.stringify({ why, input: Buffer.from(input).toString('base64').slice(0, 2000) })}`)
  },
})
clearInterval(measuring)
const cases = reports.reduce((sum, report) => sum + report.cases, 0)
const findings = reports.filter(({ finding }) => finding).length
console.log(
  `${cases} cases in ${((performance.now() - began) / 1000).toFixed(0)} s, ${findings} findings, ${memory.toFixed(0)} MiB at most`,
)
process.exitCode = findings === 0 ? 0 : 1
