// npm run kills -- [--disk] [--times 200] [--seed N] [--only PHASE,…]: kills an agent at random moments, or (--disk) makes
// its file system fail, and reports the result.

import { parseArgs } from 'node:util'
import { diskPhases, hasRoot } from '../disk/disk-phases.ts'
import { hasFailingDisk } from '../disk/failing-disk.ts'
import { phases as killPhases, type Phase } from './phases.ts'
import { runKills } from './run-kills.ts'

const { values } = parseArgs({
  options: {
    disk: { type: 'boolean', default: false },
    times: { type: 'string', default: '200' },
    seed: { type: 'string' },
    only: { type: 'string' },
  },
})
const times = Number(values.times)
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))
if (values.disk && !hasFailingDisk()) {
  console.error('nothing was tried: a disk that fails takes Linux and a C compiler (cc)')
  process.exit(2)
}
const all: Readonly<Record<string, Phase>> = values.disk ? diskPhases() : killPhases
const names = values.only?.split(',') ?? Object.keys(all)
if (!(times > 0) || !Number.isInteger(seed) || !names.every(name => Object.hasOwn(all, name))) {
  console.error(`usage: npm run kills -- [--disk] [--times 200] [--seed N] [--only ${Object.keys(all).join(',')}]`)
  process.exit(2)
}
if (values.disk && !hasRoot) console.log('without root there is no small disk to be filled: that phase is left out')

console.log(`${times} ${values.disk ? 'times' : 'kills'}, seed ${seed}`)
const began = performance.now()
const interrupted = new AbortController()
process.once('SIGINT', () => interrupted.abort())
const report = await runKills({
  times,
  seed,
  phases: Object.fromEntries(names.map(name => [name, all[name]!])),
  heavyBytes: values.disk ? 24 * 2 ** 20 : 192 * 2 ** 20,
  ...(values.disk && hasRoot ? { smallDisksMiB: 256 } : {}),
  signal: interrupted.signal,
  onKill(number, phase, where, problems) {
    const seconds = ((performance.now() - began) / 1000).toFixed(0)
    console.log(`${String(number).padStart(4)}  ${seconds.padStart(5)} s  ${phase.padEnd(10)} ${where}`)
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
for (const [what, times] of report.counts) console.log(`${String(times).padStart(11)}  ${what}`)
console.log(`${report.piecesChecked} verified pieces were hashed again afterwards, and found right`)
console.log(`${report.violations.length} wrong`)
process.exitCode = report.violations.length === 0 ? 0 : 1
