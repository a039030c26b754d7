// The race for a first connection, among brokers that answer when the test says so, in a time of the test's own.

import { mock } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import anyTest, { type ExecutionContext } from 'ava'
import { BrokerRace, type DialFailure, type Dialled } from '../../../src/actors/client/broker-race.ts'

const test = anyTest.serial
const nextAfterMs = 1_000

function race(t: ExecutionContext, servers: readonly string[], withinMs = 0) {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] })
  t.teardown(() => mock.timers.reset())
  const dials: { server: string; resolve: (dialled: Dialled<string>) => void }[] = []
  const discarded: string[] = []
  const running = new BrokerRace<string>(servers, {
    dial(server) {
      const { promise, resolve } = Promise.withResolvers<Dialled<string>>()
      dials.push({ server, resolve })
      return promise
    },
    discard: connection => void discarded.push(connection),
    nextAfterMs,
    withinMs,
  }).run()
  let end: Awaited<typeof running> | undefined
  void running.then(ended => {
    end = ended
  })
  return {
    discarded,
    dialled: () => dials.map(({ server }) => server).join(''),
    end: () => end,
    async answer(dial: number, kind: DialFailure | 'connected', others: string[] = []) {
      const { server, resolve } = dials[dial]!
      resolve(kind === 'connected' ? { kind, connection: server } : { kind, cause: server, others })
      await setImmediate()
    },
    async pass(ms: number) {
      mock.timers.tick(ms)
      await setImmediate()
    },
  }
}

test('The next broker is tried when one fails, or has been silent for a while; the first that lets us in wins.', async t => {
  const { dialled, answer, pass, end, discarded } = race(t, ['a', 'b', 'c'])
  t.is(dialled(), 'a')
  await answer(0, 'absent')
  t.is(dialled(), 'ab')
  await pass(nextAfterMs - 1)
  t.is(dialled(), 'ab')
  await pass(1)
  t.is(dialled(), 'abc')
  await answer(2, 'connected')
  t.deepEqual(end(), { kind: 'connected', connection: 'c' })
  await answer(1, 'connected')
  t.deepEqual(discarded, ['b'])
  await pass(60_000)
  t.is(dialled(), 'abc')
})

test('Without a deadline each broker is tried once, and the failure that says most is reported.', async t => {
  const { dialled, answer, end } = race(t, ['a', 'b', 'c'])
  await answer(0, 'untended')
  await answer(1, 'absent')
  t.is(end(), undefined)
  await answer(2, 'silent')
  t.is(dialled(), 'abc')
  t.deepEqual(end(), { kind: 'untended', cause: 'a' })
})

test('Until the deadline brokers are tried again by turns, each once in a while.', async t => {
  const { dialled, answer, pass, end } = race(t, ['a', 'b'], 10_000)
  await answer(0, 'untended')
  await answer(1, 'silent')
  t.is(dialled(), 'ab')
  await pass(nextAfterMs)
  t.is(dialled(), 'aba')
  await answer(2, 'untended')
  t.is(dialled(), 'abab')
  await pass(10_000 - nextAfterMs)
  t.like(end(), { kind: 'untended' })
})

test('What time does not mend ends the race at once.', async t => {
  const { answer, end } = race(t, ['a', 'b'], 10_000)
  await answer(0, 'untrusted')
  await answer(1, 'absent')
  t.deepEqual(end(), { kind: 'untrusted', cause: 'a' })
})

test('Two refusals are final, also by one broker that is asked again because the other one is silent.', async t => {
  const { answer, pass, end, dialled } = race(t, ['a', 'b'], 10_000)
  await answer(0, 'refused')
  t.is(end(), undefined)
  await pass(nextAfterMs)
  t.is(dialled(), 'aba')
  await answer(2, 'refused')
  t.deepEqual(end(), { kind: 'refused', cause: 'a' })
})

test('Brokers that one tells of join in, each once.', async t => {
  const { answer, end, dialled } = race(t, ['nats://a:4222'])
  await answer(0, 'untended', ['a:4222', 'b:4222'])
  t.is(dialled(), 'nats://a:4222b:4222')
  await answer(1, 'connected')
  t.like(end(), { kind: 'connected', connection: 'b:4222' })
})
