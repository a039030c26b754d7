// A short run of `npm run kills`: one kill in each phase. The long one is in docs/reliability.md.

import test from 'ava'
import { phases } from './phases.ts'
import { runKills } from './run-kills.ts'

test('An agent that is killed while it shares, downloads, starts, verifies, renames or logs out loses nothing.', async t => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  const names = Object.keys(phases)
  t.log(`seed ${seed}`)
  const report = await runKills({ times: names.length, seed, phases, heavyBytes: 24 * 2 ** 20 })
  t.deepEqual(report.violations, [])
  for (const name of names) t.is([...(report.hits.get(name)?.values() ?? [])].length, 1, name)
})
