import test from 'ava'
import fc from 'fast-check'
import { createWriteAllowance, type WriteLimits } from '../../src/domain/write-allowance.ts'

const limits: WriteLimits = {
  perUser: { burstBytes: 1_000, bytesPerSecond: 10 },
  total: { burstBytes: 3_000, bytesPerSecond: 30, keptBytes: 500, littleBytes: 100 },
}

test('No series of writes adds more than burst and rate allow plus one record.', t => {
  const step = fc.record({ pauseMs: fc.integer({ min: 0, max: 20_000 }), bytes: fc.integer({ min: 1, max: 700 }) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), steps => {
      const allowance = createWriteAllowance(limits, 100)
      const added: { atMs: number; bytes: number }[] = []
      let nowMs = 1_000_000
      for (const { pauseMs, bytes } of steps) {
        nowMs += pauseMs
        if (allowance.waitMs('eve', nowMs) > 0) continue
        allowance.note('eve', bytes, nowMs)
        added.push({ atMs: nowMs, bytes })
      }
      for (const [first, { atMs }] of added.entries()) {
        const sum = added.slice(first).reduce((total, each) => total + each.bytes, 0)
        const most = limits.perUser.burstBytes + ((nowMs - atMs) * limits.perUser.bytesPerSecond) / 1000 + 700
        t.true(sum <= most + 1e-6)
      }
    }),
  )
})

test('A user may write again after exactly the stated wait.', t => {
  const allowance = createWriteAllowance(limits, 100)
  allowance.note('eve', 1_500, 0)
  const waitMs = allowance.waitMs('eve', 0)
  t.true(allowance.waitMs('eve', waitMs - 2) > 0)
  t.is(allowance.waitMs('eve', waitMs), 0)
})

test('One user’s writes do not slow others, and users who wrote little may still write when the total is used up.', t => {
  const allowance = createWriteAllowance(limits, 100)
  allowance.note('eve', 1_000, 0)
  t.true(allowance.waitMs('eve', 0) > 0)
  t.is(allowance.waitMs('ann', 0), 0)
  for (const user of ['eve2', 'eve3']) allowance.note(user, 1_000, 0)
  allowance.note('bob', 200, 0)
  t.true(allowance.waitMs('bob', 0) > 0)
  t.is(allowance.waitMs('ann', 0), 0)
  for (let round = 0; round < 10; round += 1) allowance.note(`eve${round}`, 99, 0)
  t.true(allowance.waitMs('ann', 0) > 0, 'there is an end to that, too')
})

test('Trackers’ clocks may differ, and a write noted by a clock that is ahead counts for that much longer.', t => {
  const allowance = createWriteAllowance(limits, 100)
  allowance.note('ann', 10, 60_000)
  t.is(allowance.waitMs('ann', 0), 0)
  allowance.note('ann', 10, 0)
  t.is(allowance.waitMs('ann', 0), 0)
})

test('Of more users than are remembered, the one who wrote longest ago is forgotten.', t => {
  const allowance = createWriteAllowance(limits, 2)
  for (const user of ['ann', 'bob', 'ann', 'eve']) allowance.note(user, 1_000, 0)
  const waits = ['ann', 'bob', 'eve'].map(user => allowance.waitMs(user, 60_000) > 0)
  t.deepEqual(waits, [true, false, false])
})
