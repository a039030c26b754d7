// npm run fuzz -- [--cases 1000000] [--seed N] [--target WORDS]: so many cases over all targets, and a figure for each.

import { parseArgs } from 'node:util'
import { fuzz } from './fuzz.ts'
import { targets } from './targets.ts'

const { values } = parseArgs({
  options: { cases: { type: 'string', default: '1000000' }, seed: { type: 'string' }, target: { type: 'string' } },
})
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))
const chosen = targets.filter(({ name }) => name.includes(values.target ?? ''))
const each = Math.ceil(Number(values.cases) / chosen.length)
if (!(each > 0) || !Number.isInteger(seed)) {
  console.error('usage: npm run fuzz -- [--cases 1000000] [--seed N] [--target WORDS]')
  process.exit(2)
}
console.log(`${chosen.length} targets, ${each} cases each and the corpus, seed ${seed}`)
const began = performance.now()
let cases = 0
let findings = 0
for (const target of chosen) {
  const report = fuzz(target, each, seed)
  cases += report.cases
  const { finding, taken, slowestMs } = report
  console.log(
    `${target.name.padEnd(36)} ${String(report.cases).padStart(8)} cases ${String(taken).padStart(8)} taken  slowest ${slowestMs.toFixed(1)} ms`,
  )
  if (!finding) continue
  findings += 1
  console.log(`  FOUND at ${finding.case}: ${finding.error.name}: ${finding.error.message.slice(0, 300)}`)
  console.log(
    `  ${JSON.stringify({ why: finding.error.message.slice(0, 80), input: finding.input.toString('base64').slice(0, 2000) })}`,
  )
}
const memory = Math.round(process.resourceUsage().maxRSS / 1024)
console.log(
  `${cases} cases in ${((performance.now() - began) / 1000).toFixed(0)} s, ${findings} findings, ${memory} MiB at most`,
)
process.exitCode = findings === 0 ? 0 : 1
