import { once } from 'node:events'
import test from 'ava'
import { endPair, expectJob, givePair, takePair } from '../../src/storage/hashing-threads.ts'

test.serial('A pair that was given back or started ahead is taken next, by one job at a time.', async t => {
  expectJob()
  const first = takePair()
  const second = takePair()
  t.not(first, second)
  givePair(second)
  expectJob()
  t.is(takePair(), second)
  await Promise.all([first, second].map(endPair))
})

test.serial('A pair with a thread that has exited is not taken.', async t => {
  const pair = takePair()
  givePair(pair)
  const ended = once(pair[0]!, 'exit')
  pair[0]!.terminate()
  await ended
  const next = takePair()
  t.not(next, pair)
  await Promise.all([pair, next].map(endPair))
})
