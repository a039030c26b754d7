import { setImmediate as turnOfTheLoop } from 'node:timers/promises'
import test from 'ava'
import { createPacedQueue } from '../../../src/actors/tracker/paced-queue.ts'

function fixture(mostWaiting = 100) {
  const taken: number[] = []
  const clock = { nowMs: 0 }
  const add = createPacedQueue<number>(
    { mostWaiting, waitMostMs: 1_000 },
    item => void taken.push(item),
    () => clock.nowMs,
  )
  return { taken, clock, add }
}

test('One item is taken in each turn of the event loop, in order, so that other work runs in between.', async t => {
  const { taken, add } = fixture()
  for (const item of [1, 2, 3]) add(item)
  t.deepEqual(taken, [])
  for (const wanted of [[1], [1, 2], [1, 2, 3]]) {
    await turnOfTheLoop()
    t.deepEqual(taken, wanted)
  }
  add(4)
  await turnOfTheLoop()
  t.deepEqual(taken, [1, 2, 3, 4])
})

test('An item that arrives while too many wait is rejected, and a later one is accepted.', async t => {
  const { taken, add } = fixture(2)
  for (const item of [1, 2, 3]) add(item)
  for (let turn = 0; turn < 4; turn++) await turnOfTheLoop()
  add(4)
  await turnOfTheLoop()
  t.deepEqual(taken, [1, 2, 4])
})

test('An item that is no longer awaited is not taken.', async t => {
  const { taken, clock, add } = fixture()
  for (const item of [1, 2]) add(item)
  clock.nowMs = 900
  add(3)
  clock.nowMs = 1_001
  await turnOfTheLoop()
  t.deepEqual(taken, [3])
  add(4)
  clock.nowMs = 5_000
  await turnOfTheLoop()
  add(5)
  await turnOfTheLoop()
  t.deepEqual(taken, [3, 5])
})

test('Keys take turns, so that one with many items delays another by one item.', async t => {
  const { taken, add } = fixture()
  for (const item of [1, 2, 3, 4]) add(item, 'eve')
  for (const item of [11, 12]) add(item, 'ann')
  for (let turn = 0; turn < 6; turn++) await turnOfTheLoop()
  t.deepEqual(taken, [1, 11, 2, 12, 3, 4])
})
