import test from 'ava'
import { createRateMeter } from '../../src/domain/rate-meter.ts'

test('Nothing was measured: 0 bytes a second.', t => {
  t.is(createRateMeter().bytesPerSecond(1_000), 0)
})

test('In the first second bytes count as if they came within a whole one; then the time there was decides.', t => {
  const meter = createRateMeter()
  meter.add(500, 10_000)
  t.is(meter.bytesPerSecond(10_100), 500)
  t.is(meter.bytesPerSecond(12_000), 250)
})

test('A steady stream has its rate, and only the last 5 seconds of it count.', t => {
  const meter = createRateMeter()
  for (let nowMs = 0; nowMs < 20_000; nowMs += 50) meter.add(100, nowMs)
  t.true(Math.abs(meter.bytesPerSecond(20_000) - 2_000) < 150)
  t.true(meter.bytesPerSecond(22_500) < 1_200)
  t.is(meter.bytesPerSecond(25_000), 0)
})

test('What comes within a quarter of a second counts as of its beginning, and later bytes do not.', t => {
  const meter = createRateMeter()
  meter.add(1_000, 0)
  meter.add(1_000, 249)
  meter.add(500, 250)
  t.is(meter.bytesPerSecond(4_999), (2_500 * 1000) / 4_999)
  t.is(meter.bytesPerSecond(5_000), 100)
  t.is(meter.bytesPerSecond(5_250), 0)
})

test('Bytes added after a silence do not bring back what came before it.', t => {
  const meter = createRateMeter()
  meter.add(1_000, 0)
  meter.add(50, 6_000)
  t.is(meter.bytesPerSecond(6_000), 10)
})
