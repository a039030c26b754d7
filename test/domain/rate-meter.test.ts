import test from 'ava'
import { createRateMeter } from '../../src/domain/rate-meter.ts'

test('The rate is 0 before anything is measured.', t => {
  t.is(createRateMeter().bytesPerSecond(1_000), 0)
})

test('Within the first second, bytes count as if a whole second had passed; after that, real time counts.', t => {
  const meter = createRateMeter()
  meter.add(500, 10_000)
  t.is(meter.bytesPerSecond(10_100), 500)
  t.is(meter.bytesPerSecond(12_000), 250)
})

test('A steady stream is measured at its rate, over the last 5 seconds only.', t => {
  const meter = createRateMeter()
  for (let nowMs = 0; nowMs < 20_000; nowMs += 50) meter.add(100, nowMs)
  t.true(Math.abs(meter.bytesPerSecond(20_000) - 2_000) < 150)
  t.true(meter.bytesPerSecond(22_500) < 1_200)
  t.is(meter.bytesPerSecond(25_000), 0)
})

test('Bytes within a quarter of a second count from its beginning, and later bytes do not.', t => {
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
