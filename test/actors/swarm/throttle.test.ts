import test from 'ava'
import fc from 'fast-check'
import { limitTunables, peerTunables } from '../../../config/swarm.ts'
import { capOf, claimBlock, createThrottle } from '../../../src/actors/swarm/throttle.ts'
import { virtualClock } from '../../helpers/virtual-clock.ts'

const block = peerTunables.blockBytes

/** A throttle on a clock of its own, and sessions that want blocks from it, one after the other. */
function fixture(bytesPerSecond?: number) {
  const clock = virtualClock()
  const throttle = createThrottle(clock)
  throttle.limit(bytesPerSecond)
  const passed: { readonly key: string; readonly atMs: number; readonly bytes: number }[] = []
  const want = (key: string, blocks: number, bytes = block) => {
    if (blocks === 0) return
    throttle.claim({
      key,
      use() {
        passed.push({ key, atMs: clock.now(), bytes })
        want(key, blocks - 1, bytes)
        return bytes
      },
    })
  }
  const bytesOf = (key?: string) =>
    passed.reduce((sum, one) => (key === undefined || one.key === key ? sum + one.bytes : sum), 0)
  return { clock, throttle, passed, want, bytesOf }
}

test('Without a cap everything passes at once.', t => {
  const { throttle, want, bytesOf } = fixture()
  t.false(throttle.isCapped)
  want('a', 100)
  t.is(bytesOf(), 100 * block)
})

test('Under a cap a burst passes at once, and then a block whenever enough bytes have accrued.', t => {
  const { clock, throttle, want, bytesOf } = fixture(block)
  t.true(throttle.isCapped)
  want('a', 10)
  t.is(bytesOf(), block)
  clock.advance(999)
  t.is(bytesOf(), block)
  clock.advance(1)
  t.is(bytesOf(), 2 * block)
  clock.advance(5000)
  t.is(bytesOf(), 7 * block)
})

test('A small or last block uses only as much of the cap as it has bytes.', t => {
  const { clock, want, bytesOf } = fixture(block)
  want('a', 3, 1000)
  t.is(bytesOf(), 1000)
  clock.advance(Math.ceil(2000 / (block / 1000)))
  t.is(bytesOf(), 3000)
})

test('Lifting the cap lets every waiting session through.', t => {
  const { clock, throttle, want, bytesOf } = fixture(limitTunables.leastBytesPerSecond)
  want('a', 50)
  throttle.limit(undefined)
  t.false(throttle.isCapped)
  t.is(bytesOf(), 50 * block)
  clock.advance(1_000_000)
  t.is(bytesOf(), 50 * block)
})

test('A raised or lowered cap applies at once to sessions that already wait.', t => {
  const { clock, throttle, want, bytesOf } = fixture(limitTunables.leastBytesPerSecond)
  want('a', 1000)
  t.is(bytesOf(), block)
  throttle.limit(4 * block)
  clock.advance(250)
  t.is(bytesOf(), 2 * block)
  clock.advance(1000)
  t.is(bytesOf(), 6 * block)
  throttle.limit(block / 4)
  clock.advance(8000)
  t.is(bytesOf(), 8 * block)
})

test('A small transfer is served next, and gets its share, beside large ones with many sessions.', t => {
  const { clock, want, passed } = fixture(block * 10)
  for (let peer = 0; peer < 20; peer += 1) want('film', 1000)
  clock.advance(10_000)
  const before = passed.length
  want('note', 3)
  clock.advance(600)
  const after = passed.slice(before).map(({ key }) => key)
  t.is(after[0], 'note')
  t.is(after.filter(key => key === 'note').length, 3)
})

test('A session that has ended uses nothing of its turn, and the next one is served instead.', t => {
  const { clock, throttle, want, passed } = fixture(block)
  want('a', 1)
  let ended = false
  throttle.claim({ key: 'gone', use: () => (ended ? 0 : block) })
  want('b', 1)
  ended = true
  clock.advance(1000)
  t.deepEqual(
    passed.map(({ key }) => key),
    ['a', 'b'],
  )
})

test('A session that throws at its turn affects no other.', t => {
  const { clock, throttle, want, bytesOf } = fixture(block)
  t.throws(() =>
    throttle.claim({
      key: 'broken',
      use() {
        throw new Error('broken')
      },
    }),
  )
  want('a', 2)
  clock.advance(1000)
  t.is(bytesOf('a'), 2 * block)
})

test('A block that was cancelled before its turn is not sent.', async t => {
  const { throttle } = fixture(block)
  t.is(await claimBlock(throttle, 'a', () => undefined), undefined)
  t.deepEqual(await claimBlock(throttle, 'a', () => ({ length: 5 })), { length: 5 })
})

const taker = fc.record({
  atMs: fc.nat(20_000),
  blocks: fc.integer({ min: 1, max: 60 }),
  bytes: fc.integer({ min: 1, max: block }),
})

test('For any series of wants, the cap is never exceeded, never unused while a session waits, and no session starves.', t => {
  fc.assert(
    fc.property(
      fc.integer({ min: limitTunables.leastBytesPerSecond, max: 100 * block }),
      fc.array(taker, { minLength: 1, maxLength: 8 }),
      (bytesPerSecond, takers) => {
        const { clock, want, passed } = fixture(bytesPerSecond)
        const { burstBytes } = capOf(bytesPerSecond)
        takers.sort((a, b) => a.atMs - b.atMs)
        takers.forEach(({ atMs, blocks, bytes }, key) => {
          clock.advance(atMs - clock.now())
          want(String(key), blocks, bytes)
        })
        const all = takers.reduce((sum, { blocks, bytes }) => sum + blocks * bytes, 0)
        // Each wait is rounded up to a whole millisecond, and the last block waits for a whole one's bytes.
        const blocks = takers.reduce((sum, one) => sum + one.blocks, 0)
        clock.advance(((all + block) * 1000) / bytesPerSecond + blocks)
        t.is(
          passed.reduce((sum, { bytes }) => sum + bytes, 0),
          all,
        )
        for (let first = 0; first < passed.length; first += 1) {
          let sum = 0
          for (const { atMs, bytes } of passed.slice(first, first + 100)) {
            sum += bytes
            t.true(sum <= (bytesPerSecond * (atMs - passed[first]!.atMs)) / 1000 + burstBytes + 1)
          }
        }
      },
    ),
    { numRuns: 30 },
  )
})
