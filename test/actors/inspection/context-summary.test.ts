import test from 'ava'
import { contextSummary } from '../../../src/actors/inspection/context-summary.ts'
import { allMachines } from '../../../src/machines/all-machines.ts'

for (const { id } of allMachines)
  test(`The machine ${id} has a summary.`, t => {
    // It reads the context: a machine without a summary would not.
    t.throws(() => contextSummary(id, undefined), { instanceOf: TypeError })
  })

test('A machine without a summary shows nothing of its context.', t => {
  t.deepEqual(contextSummary('unlisted', { secret: 'x' }), {})
})

test('A summary shows only what it lists.', t => {
  const context = { waiting: [1, 2], running: new Map([[3, 4]]), ticket: 'secret' }
  t.deepEqual(contextSummary('download-queue', context), { waiting: 2, running: 1 })
})
