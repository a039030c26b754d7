import test from 'ava'
import { trackerTunables } from '../../../config/tracker.ts'
import { createPositionReport } from '../../../src/actors/tracker/tracker-status.ts'

/** A projection that grows by an entry whenever it is asked, and whose digest takes so long. */
function fixture(digestMs: number) {
  const clock = { nowMs: 0 }
  const made: number[] = []
  const projection = {
    applied: 1,
    digest() {
      made.push(this.applied)
      clock.nowMs += digestMs
      return `digest of ${this.applied}`
    },
  }
  const tell = createPositionReport(projection, () => clock.nowMs)
  return { clock, made, projection, tell }
}

test('A tracker spends little time on digests, however often it is asked for its position.', t => {
  const { clock, made, projection, tell } = fixture(100)
  for (let asked = 0; asked < 10_000; asked += 1) {
    projection.applied += 1
    clock.nowMs += 1
    tell()
  }
  t.true((100 * made.length) / clock.nowMs <= trackerTunables.mostTimeForDigests)
  t.true(made.length > 1)
})

test('A report always pairs a digest with its own sequence, and has the latest one when that is cheap.', t => {
  const { clock, projection, tell } = fixture(10)
  for (let round = 0; round < 50; round += 1) {
    projection.applied += 1
    clock.nowMs += round
    const { seq, digest } = tell()
    t.is(digest, `digest of ${seq}`)
  }
  clock.nowMs += 10 / trackerTunables.mostTimeForDigests
  t.is(tell().seq, projection.applied)
})

test('No digest is computed while the projection is unchanged.', t => {
  const { clock, made, tell } = fixture(1)
  tell()
  clock.nowMs += 1_000_000
  tell()
  t.deepEqual(made, [1])
})
