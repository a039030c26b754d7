import test from 'ava'
import { createCatchUp } from '../../../src/actors/tracker/catch-up.ts'
import { type EventLog, LogUnavailable } from '../../../src/actors/tracker/event-log.ts'
import { createProgress } from '../../../src/actors/tracker/progress.ts'

function fixture(applied: number, end: () => Promise<number>) {
  const progress = createProgress(applied)
  const eventLog = { end: async () => ({ created: 'then', lastSeq: await end() }) } as EventLog
  return { progress, catchUp: createCatchUp({ eventLog, progress }) }
}
const outOfReach = async () => {
  throw new LogUnavailable('no answer')
}

test('Progress wakes exactly the waiters whose sequence is applied.', async t => {
  const progress = createProgress(3)
  t.true(await progress.reached(3, 0))
  const woken: number[] = []
  const waiting = [4, 5, 6].map(async seq => {
    if (await progress.reached(seq, 60_000)) woken.push(seq)
  })
  progress.advance(5)
  await Promise.all(waiting.slice(0, 2))
  t.deepEqual(woken, [4, 5])
  t.is(progress.applied, 5)
  progress.advance(2)
  t.is(progress.applied, 5)
  t.false(await progress.reached(7, 1))
  progress.advance(6)
  await waiting[2]
})

test('A tracker has caught up once it has applied what was the end of the log when it asked.', async t => {
  const { progress, catchUp } = fixture(3, async () => 5)
  const caughtUp = catchUp.toEnd()
  setImmediate(() => progress.advance(5))
  t.true(await caughtUp)
})

test('A tracker that cannot reach the log never counts as caught up.', async t => {
  t.false(await fixture(3, outOfReach).catchUp.toEnd())
})

test('A client that has seen no more than is applied is answered at once, without asking the brokers.', async t => {
  t.true(await fixture(3, outOfReach).catchUp.toSeen(3, true))
})

test('A client that has seen more is answered once that is applied.', async t => {
  const { progress, catchUp } = fixture(3, outOfReach)
  const seen = catchUp.toSeen(4, true)
  progress.advance(4)
  t.true(await seen)
})

test('A client that has seen more than the log contains, perhaps in another cluster, is answered.', async t => {
  t.true(await fixture(3, async () => 3).catchUp.toSeen(1_000, false))
})

test('A client that has seen more than the log’s reported end gets no older answer: the report may come from an isolated leader.', async t => {
  t.false(await fixture(3, async () => 3).catchUp.toSeen(4, true))
})

test('A tracker that cannot reach the log leaves a client that has seen more to another tracker.', async t => {
  t.false(await fixture(3, outOfReach).catchUp.toSeen(4, true))
})

test('All who catch up at once share questions to the brokers, but never one that was asked before they came.', async t => {
  const asked: ((lastSeq: number) => void)[] = []
  const { progress, catchUp } = fixture(3, () => new Promise(resolve => asked.push(resolve)))
  const first = catchUp.toEnd()
  const more = Promise.all(Array.from({ length: 100 }, () => catchUp.toEnd()))
  t.is(asked.length, 1)
  asked[0]?.(3)
  t.true(await first)
  await new Promise(setImmediate)
  t.is(asked.length, 2)
  const last = catchUp.toEnd()
  asked[1]?.(4)
  progress.advance(4)
  t.deepEqual(new Set(await more), new Set([true]))
  await new Promise(setImmediate)
  t.is(asked.length, 3)
  asked[2]?.(4)
  t.true(await last)
})

test('A slow answer from the brokers does not delay later questions.', async t => {
  const answers = [new Promise<number>(() => {}), Promise.resolve(3)]
  const { catchUp } = fixture(3, () => answers.shift() ?? outOfReach())
  void catchUp.toEnd()
  t.true(await catchUp.toEnd())
})
