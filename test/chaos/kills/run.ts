// npm run kills -- [--times 200] [--seed N] [--only PHASE,…]: kills an agent at random moments and says what came of it.

import { parseArgs } from 'node:util'
import { type PhaseName, phases } from './phases.ts'
import { runKills } from './run-kills.ts'

const { values } = parseArgs({
  options: { times: { type: 'string', default: '200' }, seed: { type: 'string' }, only: { type: 'string' } },
})
const times = Number(values.times)
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))
const only = values.only?.split(',') as PhaseName[] | undefined
if (!(times > 0) || !Number.isInteger(seed) || only?.some(name => !Object.hasOwn(phases, name))) {
  console.error(`usage: npm run kills -- [--times 200] [--seed N] [--only ${Object.keys(phases).join(',')}]`)
  process.exit(2)
}

console.log(`${times} kills, seed ${seed}`)
const began = performance.now()
const report = await runKills({
  times,
  seed,
  heavyBytes: 192 * 2 ** 20,
  ...(only ? { only } : {}),
  onKill(number, phase, where, problems) {
    console.log(`${String(number).padStart(4)}  ${phase.padEnd(10)} ${where}`)
    for (const problem of problems) console.log(`      WRONG: ${problem}`)
  },
})
console.log(`\n${((performance.now() - began) / 1000).toFixed(0)} s, seed ${seed}`)
for (const [phase, places] of report.hits) {
  const total = [...places.values()].reduce((sum, count) => sum + count, 0)
  console.log(`${String(total).padStart(5)}  ${phase}`)
  for (const [where, count] of [...places].sort(([a], [b]) => a.localeCompare(b)))
    console.log(`${String(count).padStart(11)}  ${where}`)
}
console.log(`${report.piecesChecked} verified pieces were hashed again after kills, and found right`)
console.log(`${report.violations.length} wrong`)
process.exitCode = report.violations.length === 0 ? 0 : 1
