import test from 'ava'
import { type Capacity, CapacityReport } from '../../../src/actors/swarm/capacity-report.ts'
import { piecesAhead } from '../../../src/actors/swarm/delivery-rate.ts'

const shape = { size: 64 * 1024 * 1024, pieceLength: 1024 * 1024 }

function start() {
  const sent: Capacity[] = []
  return { sent, report: new CapacityReport(shape, capacity => sent.push(capacity)) }
}

test('The first report is sent even though nothing is measured yet.', t => {
  const { report, sent } = start()
  report.update(undefined)
  report.update(undefined)
  t.deepEqual(sent, [{ pieces: 1, bytesPerSecond: undefined }])
})

test('The first measurement is reported.', t => {
  const { report, sent } = start()
  report.update(undefined)
  report.update(1_000)
  t.deepEqual(sent.at(-1), { pieces: piecesAhead(1_000, shape), bytesPerSecond: 1_000 })
})

test('A rate is reported when it has changed by more than a quarter, up or down, and not for a smaller change.', t => {
  const { report, sent } = start()
  for (const rate of [1_000, 1_200, 850, 1_300, 1_100, 1_000]) report.update(rate)
  t.deepEqual(
    sent.map(({ bytesPerSecond }) => bytesPerSecond),
    [1_000, 1_300, 1_000],
  )
})

test('Many small changes in one direction are reported once they add up.', t => {
  const { report, sent } = start()
  for (let rate = 1_000; rate <= 2_000; rate += 100) report.update(rate)
  t.deepEqual(
    sent.map(({ bytesPerSecond }) => bytesPerSecond),
    [1_000, 1_300, 1_700],
  )
})

test('A change in the number of pieces is reported even when the rate has hardly changed.', t => {
  const { report, sent } = start()
  const rate = 10 * shape.pieceLength
  const before = rate - 1
  t.not(piecesAhead(before, shape), piecesAhead(rate + 1, shape))
  report.update(before)
  report.update(rate + 1)
  t.is(sent.length, 2)
})
