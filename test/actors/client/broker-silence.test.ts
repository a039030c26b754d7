// When a connection counts as silent, in a time of the test's own.

import { mock } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import anyTest, { type ExecutionContext } from 'ava'
import { leaveSilentBrokers } from '../../../src/actors/client/broker-silence.ts'

const test = anyTest.serial
const settings = { lookEveryMs: 1_000, looks: 2 }

function watching(t: ExecutionContext) {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => mock.timers.reset())
  const closed = Promise.withResolvers<undefined>()
  const fake = { answers: true, inMsgs: 0, left: 0, pings: 0 }
  leaveSilentBrokers(
    {
      flush() {
        fake.pings += 1
        return fake.answers ? Promise.resolve() : new Promise(() => {})
      },
      stats: () => ({ inMsgs: fake.inMsgs, inBytes: 0, outMsgs: 0, outBytes: 0 }),
      async reconnect() {
        fake.left += 1
      },
      closed: () => closed.promise,
    },
    settings,
  )
  return {
    fake,
    close: () => closed.resolve(undefined),
    async look(times = 1) {
      for (let time = 0; time < times; time++) {
        mock.timers.tick(settings.lookEveryMs)
        await setImmediate()
      }
    },
  }
}

test('A broker that answers is kept, and one that does not is left after some looks.', async t => {
  const { fake, look } = watching(t)
  await look(5)
  t.deepEqual([fake.left, fake.pings], [0, 5])
  fake.answers = false
  await look(2)
  t.is(fake.left, 0)
  await look()
  t.is(fake.left, 1)
})

test('A busy broker is kept: what arrives counts, although the answer to the ping is behind it.', async t => {
  const { fake, look } = watching(t)
  fake.answers = false
  for (let time = 0; time < 10; time++) {
    fake.inMsgs += 1
    await look()
  }
  t.is(fake.left, 0)
})

test('A closed connection is no longer looked at.', async t => {
  const { fake, look, close } = watching(t)
  close()
  await look()
  fake.answers = false
  await look(10)
  t.is(fake.left, 0)
})
