// What a tracker client makes of answers, in a time of the test's own.

import { mock } from 'node:test'
import test from 'ava'
import { errors, type Msg } from 'nats'
import { gatherTunables, requestTunables } from '../../../config/client.ts'
import { createTrackerClient } from '../../../src/actors/client/tracker-client.ts'

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
      if (++copies === answered)
        queueMicrotask(() => hear({ data: Buffer.from(JSON.stringify(certain)) } as unknown as Msg))
    },
  }
  const client = createTrackerClient(transport as never, { user: 'alice', device: 'aaaaaaaaaaaa' })
  const asked = client.ask('group.create', { group: 'reef' })
  for (let copy = 1; copy < answered; copy++) mock.timers.tick(requestTunables.repeatAfterMs)
  return asked
}

test.serial(
  'A refusal of one of several copies is asked for again when no tracker receives the other copies.',
  async t => {
    mock.timers.enable({ apis: ['setTimeout', 'Date'] })
    t.teardown(() => mock.timers.reset())
    const listening = new Map<string, (message: Msg) => void>()
    const published: { id: string; inbox: string }[] = []
    const transport = {
      subscribe(inbox: string, options: { callback: (error: null, message: Msg) => void }) {
        listening.set(inbox, message => options.callback(null, message))
        return { unsubscribe: () => listening.delete(inbox) }
      },
      publish(_: string, payload: string, { reply }: { reply: string }) {
        published.push({ id: (JSON.parse(payload) as { id: string }).id, inbox: reply })
      },
    }
    const answer = (body: object) =>
      [...listening.values()][0]!({ data: Buffer.from(JSON.stringify(body)) } as unknown as Msg)
    const client = createTrackerClient(transport as never, { user: 'alice', device: 'aaaaaaaaaaaa' })
    const asked = client.ask('group.create', { group: 'reef' })
    mock.timers.tick(requestTunables.repeatAfterMs)
    answer({ ok: false, seq: 7, code: 'group-exists', message: 'there is one' })
    t.is(new Set(published.map(({ id }) => id)).size, 1)
    t.deepEqual([...listening.keys()], [published[2]!.inbox])
    t.not(published[2]!.inbox, published[0]!.inbox)
    answer({ ok: true, seq: 8, result: {} })
    t.true((await asked).ok)

    const once = client.ask('group.create', { group: 'reef' })
    answer({ ok: false, seq: 9, code: 'group-exists', message: 'there is one' })
    t.like(await once, { ok: false, code: 'group-exists' })
  },
)

test.serial(
  'An answer of no-quorum to one of several copies is not final, because another copy may still be handled.',
  async t => {
    mock.timers.enable({ apis: ['setTimeout', 'Date'] })
    t.teardown(() => mock.timers.reset())
    t.like(await asking(1), { code: 'no-quorum', message: 'nothing was changed' })
    const doubtful = await asking(2)
    t.true(!doubtful.ok && doubtful.code === 'no-quorum' && /may yet take effect/.test(doubtful.message))
  },
)

test.serial('Time that a connection took counts, and the request is still made once.', async t => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] })
  t.teardown(() => mock.timers.reset())
  let copies = 0
  const transport = { subscribe: () => ({ unsubscribe() {} }), publish: () => void copies++ }
  const client = createTrackerClient(transport as never, { user: 'alice', device: 'aaaaaaaaaaaa' })
  const asked = client.ask('group.create', { group: 'reef' }, Date.now() - requestTunables.deadlineMs - 1)
  mock.timers.tick(requestTunables.repeatAfterMs)
  t.like(await asked, { ok: false, code: 'unreachable' })
  t.is(copies, 1)
})

const by = { user: 'alice', device: 'aaaaaaaaaaaa' }
const status = (name: string) => ({ name, seq: 7, digest: 'd', uptimeSeconds: 1 })

/** A client of brokers that hand on these answers, and then end as they are told to. */
function gathering(answers: readonly unknown[], end: () => void = () => {}) {
  const asked: unknown[] = []
  const requestMany = async (...request: unknown[]) => {
    asked.push(request)
    return (async function* () {
      for (const answer of answers) yield { data: Buffer.from(JSON.stringify(answer)) }
      end()
    })()
  }
  return { asked, client: createTrackerClient({ requestMany } as never, by) }
}

test('Every tracker that answers is listed once, by name; other messages are left out.', async t => {
  const { client, asked } = gathering([status('t2'), 'nonsense', status('t1'), status('t2')])
  t.deepEqual(await client.statuses(), [status('t1'), status('t2')])
  const { firstMs: maxWait, nextMs: stall } = gatherTunables
  t.deepEqual(asked, [['shoal.trackers.alice.aaaaaaaaaaaa', '', { strategy: 'stall', maxWait, stall }]])
})

test('The list is empty when no tracker runs; a closed connection is an error.', async t => {
  const none = gathering([], () => {
    throw new errors.NoRespondersError('shoal.trackers')
  })
  t.deepEqual(await none.client.statuses(), [])
  const closed = gathering([], () => {
    throw new errors.ClosedConnectionError()
  })
  await t.throwsAsync(closed.client.stats(), { instanceOf: errors.ClosedConnectionError })
})
