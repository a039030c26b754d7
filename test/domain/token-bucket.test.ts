import test from 'ava'
import fc from 'fast-check'
import { createTokenBucket } from '../../src/domain/token-bucket.ts'

const cap = { bytesPerSecond: 1000, burstBytes: 500 }

test('A burst passes at once, and then as much as has accrued.', t => {
  const bucket = createTokenBucket(cap, 0)
  bucket.take(500, 0)
  t.is(bucket.waitMs(100, 0), 100)
  t.is(bucket.waitMs(100, 60), 40)
  t.throws(() => bucket.take(100, 99), { instanceOf: RangeError })
  bucket.take(100, 100)
  t.is(bucket.waitMs(1, 100), 1)
})

test('Unused allowance accrues up to the burst, and not beyond.', t => {
  const bucket = createTokenBucket(cap, 0)
  bucket.take(500, 1_000_000)
  t.is(bucket.waitMs(500, 1_000_000), 500)
})

test('An amount larger than the burst never passes.', t => {
  t.throws(() => createTokenBucket(cap, 0).waitMs(501, 0), { instanceOf: RangeError })
})

test('A change keeps what has accrued, up to the new burst.', t => {
  const bucket = createTokenBucket(cap, 0)
  bucket.take(500, 0)
  bucket.change({ bytesPerSecond: 10, burstBytes: 200 }, 300)
  bucket.take(200, 300)
  t.is(bucket.waitMs(10, 300), 1000)
})

const step = fc.record({
  idleMs: fc.double({ min: 0, max: 3000, noNaN: true }),
  bytes: fc.integer({ min: 1, max: 500 }),
})

test('Over any stretch of time no more passes than rate x time + burst, and none waits longer than it must.', t => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), fc.array(step, { maxLength: 50 }), (bytesPerSecond, steps) => {
      const bucket = createTokenBucket({ bytesPerSecond, burstBytes: 500 }, 0)
      const taken: { readonly atMs: number; readonly bytes: number }[] = []
      let nowMs = 0
      for (const { idleMs, bytes } of steps) {
        nowMs += idleMs
        const waitMs = bucket.waitMs(bytes, nowMs)
        if (waitMs > 0.01) t.throws(() => bucket.take(bytes, nowMs))
        nowMs += waitMs
        bucket.take(bytes, nowMs)
        taken.push({ atMs: nowMs, bytes })
      }
      for (let first = 0; first < taken.length; first += 1) {
        let sum = 0
        for (const { atMs, bytes } of taken.slice(first)) {
          sum += bytes
          t.true(sum <= (bytesPerSecond * (atMs - taken[first]!.atMs)) / 1000 + 500 + 0.01)
        }
      }
    }),
  )
})
