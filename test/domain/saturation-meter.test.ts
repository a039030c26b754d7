import test from 'ava'
import { createSaturationMeter } from '../../src/domain/saturation-meter.ts'

test('Time at full use counts from its beginning, whether or not it has ended.', t => {
  const full = createSaturationMeter()
  t.is(full.share(0), 0)
  full.note(true, 1_000)
  full.note(true, 2_000)
  t.is(full.share(3_500), 0.5)
  full.note(false, 3_500)
  full.note(false, 4_000)
  t.is(full.share(4_000), 0.5)
  full.note(true, 5_000)
  t.is(full.share(6_000), 0.7)
})

test('Time at full use from before the window no longer counts.', t => {
  const full = createSaturationMeter()
  full.note(true, 0)
  t.is(full.share(20_000), 1)
  full.note(false, 20_000)
  t.is(full.share(22_000), 0.6)
  t.is(full.share(25_000), 0)
})
