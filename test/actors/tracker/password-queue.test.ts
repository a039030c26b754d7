import { setImmediate as settled } from 'node:timers/promises'
import test from 'ava'
import { createPasswordQueue } from '../../../src/actors/tracker/password-queue.ts'

const limits = { atOnce: 2, mostWaiting: 4, waitMostMs: 1_000 }

/** Hashes end when they are told to. */
function fixture(change: Partial<typeof limits> = {}) {
  const clock = { nowMs: 0 }
  const queue = createPasswordQueue({ ...limits, ...change }, () => clock.nowMs)
  const running = new Map<string, (error?: Error) => void>()
  const begun: string[] = []
  const outcomes = new Map<string, unknown>()
  const want = (origin: string, name: string) => {
    const hash = () => {
      begun.push(name)
      return new Promise<string>((resolve, reject) =>
        running.set(name, error => (error ? reject(error) : resolve(`hash of ${name}`))),
      )
    }
    const keep = (outcome: unknown) => void outcomes.set(name, outcome)
    void queue.run(origin, hash).then(keep, keep)
  }
  const end = async (name: string, error?: Error) => {
    running.get(name)?.(error)
    running.delete(name)
    await settled()
  }
  /** Ends whatever runs until nothing does. */
  const endAll = async () => {
    while (running.size > 0) for (const name of [...running.keys()]) await end(name)
  }
  return { clock, begun, outcomes, want, end, endAll }
}

test('A limited number of jobs run at once, and each gets its own outcome, failures included.', async t => {
  const { begun, outcomes, want, end, endAll } = fixture()
  for (const name of ['a1', 'a2', 'a3']) want('a', name)
  t.deepEqual(begun, ['a1', 'a2'])
  const failure = new Error('no memory')
  await end('a1', failure)
  t.deepEqual(begun, ['a1', 'a2', 'a3'])
  await endAll()
  t.deepEqual(
    [...outcomes],
    [
      ['a1', failure],
      ['a2', 'hash of a2'],
      ['a3', 'hash of a3'],
    ],
  )
})

test('Origins take turns, so a later origin’s single job does not wait for all of an earlier one’s.', async t => {
  const { begun, want, endAll } = fixture({ atOnce: 1 })
  for (const name of ['a1', 'a2', 'a3', 'a4']) want('a', name)
  want('b', 'b1')
  await endAll()
  t.deepEqual(begun, ['a1', 'a2', 'b1', 'a3', 'a4'])
})

test('When the queue is full, the origin with most jobs in it loses its last, and an origin with as many is refused.', async t => {
  const { outcomes, want, endAll } = fixture({ atOnce: 1 })
  for (const name of ['a0', 'a1', 'a2', 'a3', 'a4']) want('a', name)
  want('a', 'a5')
  for (const name of ['b1', 'b2', 'b3']) want('b', name)
  want('c', 'c1')
  await settled()
  t.deepEqual([...outcomes.keys()], ['a5', 'a4', 'a3', 'b3', 'a2'])
  t.deepEqual(new Set(outcomes.values()), new Set([undefined]))
  await endAll()
  for (const name of ['a0', 'a1', 'b1', 'b2', 'c1']) t.is(outcomes.get(name), `hash of ${name}`)
})

test('A password that is no longer awaited is not hashed.', async t => {
  const { clock, begun, outcomes, want, endAll } = fixture({ atOnce: 1 })
  want('a', 'a1')
  want('a', 'a2')
  clock.nowMs = 900
  want('b', 'b1')
  clock.nowMs = 1_001
  await endAll()
  t.deepEqual(begun, ['a1', 'b1'])
  t.true(outcomes.has('a2'))
  t.is(outcomes.get('a2'), undefined)
})
