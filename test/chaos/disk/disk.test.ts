// A short run of `npm run kills -- --disk`: whole agents at work while their file-system calls fail. The long one is in
// docs/reliability.md.

import anyTest from 'ava'
import { runKills } from '../kills/run-kills.ts'
import { diskPhases } from './disk-phases.ts'
import { hasFailingDisk } from './failing-disk.ts'

const test = hasFailingDisk() ? anyTest : anyTest.skip

test('An agent whose disk fails while it shares, downloads or renames says so, and loses nothing.', async t => {
  t.timeout(300_000)
  const seed = Math.floor(Math.random() * 2 ** 31)
  t.log(`seed ${seed}`)
  const { share, download, rename } = diskPhases()
  const phases = { share: share!, download: download!, rename: rename! }
  const report = await runKills({ times: 3, seed, phases, heavyBytes: 8 * 2 ** 20 })
  t.deepEqual(report.violations, [])
  for (const [phase, hits] of report.hits) t.is([...hits.values()].length, 1, phase)
})
