import test from 'ava'
import fc from 'fast-check'
import { createPolicer, type PolicerLimits, scaled } from '../../src/domain/policer.ts'

const limits: PolicerLimits = {
  admitted: { messages: { burst: 10, perSecond: 2 }, bytes: { burst: 1_000, perSecond: 100 } },
  tolerated: { messages: { burst: 50, perSecond: 20 }, bytes: { burst: 5_000, perSecond: 1_000 } },
  largestBytes: 2_000,
}

/** The verdicts on `count` messages at one time. */
const judge = (
  policer: ReturnType<typeof createPolicer>,
  count: number,
  bytes: number,
  nowMs: number,
  source = 'eve',
) => Array.from({ length: count }, () => policer.judge(source, bytes, nowMs))

test('No series of messages is admitted or tolerated beyond burst and rate, in messages or in bytes.', t => {
  const step = fc.record({ pauseMs: fc.integer({ min: 0, max: 3_000 }), bytes: fc.integer({ min: 0, max: 1_500 }) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), steps => {
      const policer = createPolicer(limits, 100)
      const taken: Record<'admitted' | 'tolerated', { atMs: number; bytes: number }[]> = { admitted: [], tolerated: [] }
      let nowMs = 1_000_000
      for (const { pauseMs, bytes } of steps) {
        nowMs += pauseMs
        const verdict = policer.judge('eve', bytes, nowMs)
        if (verdict !== 'cut-off') taken.tolerated.push({ atMs: nowMs, bytes })
        if (verdict === 'admit') taken.admitted.push({ atMs: nowMs, bytes })
      }
      for (const kind of ['admitted', 'tolerated'] as const)
        for (const [from, { atMs }] of taken[kind].entries()) {
          const since = taken[kind].slice(from)
          const seconds = (nowMs - atMs) / 1000
          const { messages, bytes } = limits[kind]
          t.true(since.length <= messages.burst + seconds * messages.perSecond + 1e-6)
          const sum = since.reduce((total, each) => total + each.bytes, 0)
          t.true(sum <= bytes.burst + seconds * bytes.perSecond + 1e-6)
        }
    }),
  )
})

test('A source beyond the first rate is dropped, beyond the second cut off, and no other source is affected.', t => {
  const policer = createPolicer(limits, 100)
  t.deepEqual(judge(policer, 60, 1, 0), [
    ...Array(10).fill('admit'),
    ...Array(40).fill('drop'),
    ...Array(10).fill('cut-off'),
  ])
  t.is(policer.judge('ann', 1, 0), 'admit')
})

test('Large messages are dropped and cut off by their bytes, and one that is too large by itself.', t => {
  const policer = createPolicer(limits, 100)
  t.deepEqual(judge(policer, 9, 600, 0), ['admit', ...Array(7).fill('drop'), 'cut-off'])
  t.is(policer.judge('bob', 1_001, 0), 'drop')
  t.is(policer.judge('bob', 2_001, 0), 'cut-off')
})

test('A source that slows down is admitted again at its rate.', t => {
  const policer = createPolicer(limits, 100)
  judge(policer, 60, 1, 0)
  t.is(policer.judge('eve', 1, 499), 'drop')
  t.is(policer.judge('eve', 1, 500), 'admit')
  t.is(policer.judge('eve', 1, 500), 'drop')
})

test('The cost of an answer delays later messages, and does not count toward being cut off.', t => {
  const policer = createPolicer(limits, 100)
  t.is(policer.judge('ann', 10, 0), 'admit')
  policer.charge('ann', 100_000, 0)
  t.is(policer.judge('ann', 10, 0), 'drop')
  t.is(policer.judge('ann', 10, 989_000), 'drop')
  t.is(policer.judge('ann', 10, 992_000), 'admit')
})

test('A source is overdrawn once answers exceed its burst of bytes, until that has passed at its rate.', t => {
  const policer = createPolicer(limits, 100)
  t.false(policer.isOverdrawn('ann', 0))
  policer.charge('ann', limits.admitted.bytes.burst, 0)
  t.false(policer.isOverdrawn('ann', 0))
  policer.charge('ann', limits.admitted.bytes.perSecond, 0)
  t.true(policer.isOverdrawn('ann', 999))
  t.false(policer.isOverdrawn('ann', 1_000))
  t.false(policer.isOverdrawn('bob', 0))
})

test('Only so many sources are remembered, and those silent longest are forgotten.', t => {
  const policer = createPolicer(limits, 2)
  judge(policer, 11, 1, 0, 'ann')
  judge(policer, 11, 1, 0, 'bob')
  t.is(policer.judge('ann', 1, 0), 'drop')
  policer.judge('cid', 1, 0)
  t.is(policer.judge('ann', 1, 0), 'drop', 'heard more recently than bob')
  t.is(policer.judge('bob', 1, 0), 'admit', 'forgotten')
})

test('Scaled limits admit several times as much.', t => {
  const verdicts = judge(createPolicer(scaled(limits, 3), 100), 60, 1, 0)
  t.is(verdicts.filter(verdict => verdict === 'admit').length, 30)
  t.false(verdicts.includes('cut-off'))
})
