import test from 'ava'
import fc from 'fast-check'
import { guessTunables, signUpTunables } from '../../config/tracker.ts'
import { type Attempt, type AttemptLimits, createAttempts } from '../../src/domain/attempts.ts'

const limits: AttemptLimits = {
  perOrigin: { atOnce: 5, everyMs: 1_000 },
  perTarget: { atOnce: 10, everyMs: 3_000, keptForNewcomers: 4 },
  newcomer: { atOnce: 2, everyMs: 60_000 },
}
const attempt = (origin: string, target: string, isKnown = false): Attempt => ({ origin, target, isKnown })

/** Tries, and counts what was allowed. */
function fixture(of = limits, rememberedKeys = 1_000) {
  const attempts = createAttempts(of, rememberedKeys)
  const isAllowed = (each: Attempt, nowMs: number) => {
    if (attempts.waitMs(each, nowMs) > 0) return false
    attempts.count(each, nowMs)
    return true
  }
  const allowed = (times: number, each: Attempt, nowMs: number) =>
    Array.from({ length: times }, () => isAllowed(each, nowMs)).filter(Boolean).length
  return { attempts, isAllowed, allowed }
}

test('An origin has a burst of attempts, then one each interval, whatever it tries.', t => {
  const { attempts, isAllowed, allowed } = fixture()
  t.is(allowed(3, attempt('a', 'alice'), 0), 3)
  t.is(allowed(9, attempt('a', 'bob'), 0), 2)
  t.is(attempts.waitMs(attempt('a', 'carol'), 0), 1_000)
  t.false(isAllowed(attempt('a', 'carol'), 999))
  t.true(isAllowed(attempt('a', 'carol'), 1_000))
  t.false(isAllowed(attempt('a', 'carol'), 1_000))
})

test('A target allows a burst of attempts, then one each interval, from any origin.', t => {
  const { allowed } = fixture()
  let times = 0
  for (let origin = 0; origin < 50; origin++) times += allowed(5, attempt(`o${origin}`, 'alice'), 0)
  t.is(times, limits.perTarget.atOnce)
  t.is(allowed(5, attempt('late', 'alice'), 3_000), 1)
  t.is(allowed(5, attempt('late', 'bob'), 3_000), 4)
})

test('An origin with many attempts cannot use the attempts reserved for newcomers.', t => {
  const { attempts, allowed } = fixture()
  for (const origin of ['a', 'b', 'c']) allowed(5, attempt(origin, 'alice'), 0)
  t.true(attempts.waitMs(attempt('a', 'alice'), 0) > 0)
  t.is(attempts.waitMs(attempt('owner', 'alice'), 0), 0)
})

test('An origin that the target knows is limited by its own attempts alone.', t => {
  const { attempts, allowed } = fixture()
  for (let origin = 0; origin < 50; origin++) allowed(5, attempt(`o${origin}`, 'alice'), 0)
  t.true(attempts.waitMs(attempt('home', 'alice'), 0) > 0)
  t.is(allowed(9, attempt('home', 'alice', true), 0), 5)
  t.is(allowed(9, attempt('home', 'bob', true), 5_000), 5)
  t.is(allowed(5, attempt('a', 'bob'), 5_000), 5)
})

test('An attempt that is taken back does not count.', t => {
  const { attempts, allowed } = fixture()
  t.is(allowed(5, attempt('a', 'alice'), 0), 5)
  for (let time = 0; time < 5; time++) attempts.giveBack(attempt('a', 'alice'), 0)
  t.is(allowed(9, attempt('a', 'alice'), 0), 5)
  attempts.giveBack(attempt('never', 'seen'), 0)
  t.is(allowed(9, attempt('never', 'elsewhere'), 0), 5)
})

test('However many attempts other trackers allow at once, an origin waits for one interval at most.', t => {
  const { attempts } = fixture()
  for (let time = 0; time < 100; time++) attempts.count(attempt('a', 'alice'), 0)
  t.is(attempts.waitMs(attempt('a', 'bob'), 0), limits.perOrigin.everyMs)
})

test('Of more keys than are remembered, the one counted longest ago is forgotten.', t => {
  const { attempts, allowed } = fixture(limits, 2)
  for (const origin of ['a', 'b']) t.is(allowed(9, attempt(origin, 'home', true), 0), 5)
  attempts.count(attempt('a', 'home', true), 0)
  allowed(1, attempt('c', 'home', true), 0)
  t.true(attempts.waitMs(attempt('a', 'home', true), 0) > 0)
  t.is(attempts.waitMs(attempt('b', 'home', true), 0), 0)
})

const step = fc.record({
  idleMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 8_000 })),
  origin: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
  target: fc.constantFrom('alice', 'bob'),
})

test('Over any stretch of time an origin, and a target, has no more than its allowance.', t => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150 }), steps => {
      const { isAllowed } = fixture()
      const made: { readonly atMs: number; readonly origin: string; readonly target: string }[] = []
      let nowMs = 0
      for (const { idleMs, origin, target } of steps) {
        nowMs += idleMs
        if (isAllowed(attempt(origin, target), nowMs)) made.push({ atMs: nowMs, origin, target })
      }
      for (const [key, { atOnce, everyMs }] of [
        ['origin', limits.perOrigin],
        ['target', limits.perTarget],
      ] as const)
        for (let first = 0; first < made.length; first++) {
          const same = made.slice(first).filter(each => each[key] === made[first]![key])
          for (const [index, { atMs }] of same.entries())
            if (index + 1 > atOnce + (atMs - made[first]!.atMs) / everyMs) return false
        }
      return true
    }),
  )
  t.pass()
})

test('The stated wait is sufficient, and refused attempts do not lengthen it.', t => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), step, (steps, last) => {
      const { attempts, isAllowed } = fixture()
      let nowMs = 0
      for (const { idleMs, origin, target } of steps) {
        nowMs += idleMs
        isAllowed(attempt(origin, target), nowMs)
      }
      const mine = attempt(last.origin, last.target)
      const waitMs = attempts.waitMs(mine, nowMs)
      if (waitMs > 0 && isAllowed(mine, nowMs)) return false
      return attempts.waitMs(mine, nowMs) === waitMs && isAllowed(mine, nowMs + waitMs)
    }),
  )
  t.pass()
})

for (const [what, real] of Object.entries({ guessing: guessTunables.limits, signingUp: signUpTunables.limits }))
  test(`However long a few origins flood a target (${what}), a newcomer may try at once.`, t => {
    const { perTarget, newcomer } = real
    // What is kept outlasts the flooders' own time as newcomers.
    const flooders = Math.floor((perTarget.keptForNewcomers - 1) / newcomer.atOnce)
    t.true(flooders >= 4)
    const { attempts, isAllowed } = fixture(real)
    for (let step = 0; step < 2_000; step++) {
      const nowMs = (step * perTarget.everyMs) / 2
      for (let origin = 0; origin < flooders; origin++) while (isAllowed(attempt(`o${origin}`, 'alice'), nowMs));
      if (attempts.waitMs(attempt('owner', 'alice'), nowMs) > 0) return t.fail(`not after ${nowMs} ms`)
    }
    t.true(attempts.waitMs(attempt('o0', 'alice'), 999.5 * perTarget.everyMs) > 0)
  })
