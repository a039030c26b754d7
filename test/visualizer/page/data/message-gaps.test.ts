import test from 'ava'
import { pageTunables } from '../../../../config/visualizer.ts'
import { MessageGaps } from '../../../../src/visualizer/page/data/message-gaps.ts'
import { createLookout } from '../../../helpers/lookout.ts'

const subject = (device: string) => `shoal.inspect.alice.${device}.x`
const step = (n: number, run = 'a') => ({ run, n, kind: 'step' }) as const
const snapshot = (n: number) => ({ run: 'a', n, kind: 'picture' }) as const

function watched() {
  let lost = 0
  const { look, until } = createLookout()
  const gaps = new MessageGaps(() => {
    lost += 1
    look()
  })
  return { gaps, until, lost: () => lost }
}
const later = () => new Promise(resolve => setTimeout(resolve, pageTunables.snapshotWithinMs + 200))

test('A gap that no snapshot follows is reported once.', async t => {
  const { gaps, until, lost } = watched()
  for (const n of [0, 1, 4, 9]) gaps.received(subject('one'), step(n))
  await until(() => lost() === 1)
  t.is(lost(), 1)
})

test('Messages in order, a process that starts again, and a gap that a snapshot follows are no loss.', async t => {
  const { gaps, lost } = watched()
  for (const n of [7, 8, 9]) gaps.received(subject('one'), step(n))
  gaps.received(subject('one'), step(40, 'b'))
  gaps.received(subject('two'), step(20))
  gaps.received(subject('three'), step(1))
  gaps.received(subject('three'), step(5))
  gaps.received(subject('three'), snapshot(6))
  await later()
  t.is(lost(), 0)
})

test('Nothing is reported once it is closed.', async t => {
  const { gaps, lost } = watched()
  gaps.received(subject('one'), step(0))
  gaps.received(subject('one'), step(5))
  gaps.close()
  await later()
  t.is(lost(), 0)
})
