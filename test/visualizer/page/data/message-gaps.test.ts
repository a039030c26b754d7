import { mock } from 'node:test'
import test from 'ava'
import { pageTunables } from '../../../../config/visualizer.ts'
import { MessageGaps } from '../../../../src/visualizer/page/data/message-gaps.ts'

const subject = (device: string) => `shoal.inspect.alice.${device}.x`
const step = (n: number, run = 'a') => ({ run, n, kind: 'step' }) as const
const snapshot = (n: number) => ({ run: 'a', n, kind: 'picture' }) as const

/** How often a loss is reported within twice the time that a snapshot has, after what `received` does. */
function losses(received: (gaps: MessageGaps) => void): number {
  mock.timers.enable({ apis: ['setTimeout'] })
  try {
    let lost = 0
    received(new MessageGaps(() => (lost += 1)))
    mock.timers.tick(2 * pageTunables.snapshotWithinMs)
    return lost
  } finally {
    mock.timers.reset()
  }
}

test('A gap that no snapshot follows is reported once.', t => {
  const count = losses(gaps => {
    for (const n of [0, 1, 4, 9]) gaps.received(subject('one'), step(n))
  })
  t.is(count, 1)
})

test('A gap that a snapshot follows in time is not reported.', t => {
  const count = losses(gaps => {
    gaps.received(subject('one'), step(1))
    gaps.received(subject('one'), step(5))
    gaps.received(subject('one'), snapshot(6))
    gaps.received(subject('one'), step(7))
  })
  t.is(count, 0)
})

test('Messages in order, another process and a restarted process do not count as gaps.', t => {
  const count = losses(gaps => {
    for (const n of [7, 8, 9]) gaps.received(subject('one'), step(n))
    gaps.received(subject('one'), step(40, 'b'))
    gaps.received(subject('two'), step(20))
  })
  t.is(count, 0)
})

test('Nothing is reported once it is closed.', t => {
  const count = losses(gaps => {
    gaps.received(subject('one'), step(0))
    gaps.received(subject('one'), step(5))
    gaps.close()
  })
  t.is(count, 0)
})
