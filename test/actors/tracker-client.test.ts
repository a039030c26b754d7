// What a tracker client makes of answers, in a time of the test's own.

import { mock } from 'node:test'
import test from 'ava'
import type { Msg } from 'nats'
import { requests } from '../../config/tunables.ts'
import { createTrackerClient } from '../../src/actors/tracker-client.ts'

const certain = { ok: false, seq: 7, code: 'no-quorum', message: 'nothing was changed' }

/** Asks for a group to be made; every copy before `answered` gets no answer. */
async function asking(answered: number) {
  let hear: (message: Msg) => void = () => {}
  let copies = 0
  const transport = {
    subscribe(_: string, options: { callback: (error: null, message: Msg) => void }) {
      hear = message => options.callback(null, message)
      return { unsubscribe() {} }
    },
    publish() {
      if (++copies === answered) queueMicrotask(() => hear({ json: () => certain } as unknown as Msg))
    },
  }
  const client = createTrackerClient(transport as never, { user: 'alice', device: 'aaaaaaaaaaaa' })
  const asked = client.ask('group.create', { group: 'reef' })
  for (let copy = 1; copy < answered; copy++) mock.timers.tick(requests.repeatAfterMs)
  return asked
}

test.serial('No quorum, said to one of several copies, is not taken for certain: another may be at work.', async t => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] })
  t.teardown(() => mock.timers.reset())
  t.like(await asking(1), { code: 'no-quorum', message: 'nothing was changed' })
  const doubtful = await asking(2)
  t.true(!doubtful.ok && doubtful.code === 'no-quorum' && /may yet take effect/.test(doubtful.message))
})
