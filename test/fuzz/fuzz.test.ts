// A short run of `npm run fuzz`: the whole corpus, then a few cases of every target.

import anyTest, { type TestFn } from 'ava'
import type { TargetReport } from './fuzz.ts'
import { supervise } from './supervise.ts'
import { targets } from './targets.ts'

const test = anyTest as TestFn<{ reports: readonly TargetReport[] }>
const seed = Math.floor(Math.random() * 2 ** 31)
const moduleOf = (file: string) => new URL(file, import.meta.url).href

test.before(async t => {
  const names = targets.map(({ name }) => name)
  t.context.reports = await supervise({ module: moduleOf('targets.ts'), names, cases: 200, seed })
})

for (const [index, { name }] of targets.entries())
  test(`No message crashes its reader or slips through: ${name}.`, t => {
    t.log(`seed ${seed}`)
    const { finding, taken, cases } = t.context.reports[index]!
    t.is(finding, undefined)
    t.true(taken > 0 && taken < cases, `${taken} of ${cases} were taken`)
  })

test('A target that accepts unsafe input, hangs or hoards memory is detected, and the others continue.', async t => {
  const run = { module: moduleOf('careless-targets.ts'), cases: 1_000, seed }
  const never = await supervise({ ...run, names: ['takes what leads elsewhere', 'does not end'], caseWithinMs: 5_000 })
  // Filling that much memory takes seconds on a busy machine, and must not be mistaken for not ending.
  const more = { ...run, names: ['hoards', 'is all right'], caseWithinMs: 60_000, mostMemoryMiB: 500 }
  const reports = [...never, ...(await supervise(more))]
  t.deepEqual(
    reports.map(({ finding }) => finding?.error.message),
    ['a name that leads elsewhere', 'it does not end within 5000 ms', 'more than 500 MiB of memory', undefined],
  )
})
