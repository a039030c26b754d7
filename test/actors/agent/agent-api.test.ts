// The command line's requests to its agent, over a broker in memory: what each side does when the other misbehaves.

import test, { type ExecutionContext } from 'ava'
import type { Msg, NatsConnection } from 'nats'
import pino from 'pino'
import { createActor } from 'xstate'
import { type AgentHandlers, createAgentApi } from '../../../src/actors/agent/agent-api.ts'
import { createAgentClient } from '../../../src/actors/client/agent-client.ts'
import { done, refuse } from '../../../src/domain/refusal.ts'
import type { AgentReply } from '../../../src/wire/agent-api.ts'
import { agentSubject } from '../../../src/wire/subjects.ts'

const alice = { user: 'alice', device: 'aaaaaaaaaaaa' }
const file = { group: 'reef', name: 'film.bin', size: 1, sha1: 'x', pieces: 1 }
const request = { path: '/film.bin', group: 'reef' }

/** Subjects that end in `>` take everything below; a request without a subscriber is answered as NATS does. */
function memoryBus() {
  const listeners = new Map<string, (message: Msg) => void>()
  const deliver = (subject: string, data: Buffer, reply?: string) => {
    const takers = [...listeners].filter(([to]) =>
      to.endsWith('>') ? subject.startsWith(to.slice(0, -1)) : subject === to,
    )
    for (const [, taker] of takers) {
      const message = { subject, data, reply }
      taker(message as unknown as Msg)
    }
    if (takers.length === 0 && reply !== undefined)
      listeners.get(reply)?.({ data: new Uint8Array(), headers: { code: 503 } } as unknown as Msg)
  }
  const transport = {
    isClosed: () => false,
    publish: (subject: string, body: string, options?: { reply?: string }) =>
      void setImmediate(() => deliver(subject, Buffer.from(body), options?.reply)),
    subscribe: (subject: string, options: { callback: (error: null, message: Msg) => void }) => {
      listeners.set(subject, message => options.callback(null, message))
      return { unsubscribe: () => listeners.delete(subject) }
    },
  } as unknown as NatsConnection
  return { transport, listeners }
}

function agentWith(t: ExecutionContext, handlers: Partial<AgentHandlers>) {
  const { transport, listeners } = memoryBus()
  const api = createActor(createAgentApi(transport, alice, handlers as AgentHandlers, pino({ level: 'silent' })))
  // What remembers requests is a timer, which would hold this process.
  t.teardown(() => api.stop())
  return { api: api.start(), transport, listeners, client: createAgentClient(transport, alice) }
}

test('A request is answered by a stream: progress, then one end.', async t => {
  const { client } = agentWith(t, {
    async share(params, { progress }) {
      t.deepEqual(params, request)
      progress({ hashedBytes: 1, size: 2 })
      progress({ hashedBytes: 2, size: 2 })
      return done(file)
    },
  })
  const heard: number[] = []
  const answer = await client.ask('share', request, { onProgress: ({ hashedBytes }) => heard.push(hashedBytes) })
  t.deepEqual(answer, done(file))
  t.deepEqual(heard, [1, 2])
})

test('A refusal arrives unchanged, and a handler that throws becomes a refusal too.', async t => {
  const refusal = refuse('not-member', 'you are not a member of reef')
  t.deepEqual(await agentWith(t, { share: async () => refusal }).client.ask('share', request), refusal)
  const broken = agentWith(t, {
    share: async () => {
      throw new Error('two\nlines')
    },
  })
  const answer = await broken.client.ask('share', request)
  t.like(answer, { ok: false, code: 'unreachable' })
  t.false(JSON.stringify(answer).includes('\\n'))
})

test('Malformed parameters and unknown methods never reach a handler.', async t => {
  const { transport } = agentWith(t, { share: async () => t.fail('it reached the handler') as never })
  const answers = ['share', 'constructor', 'no-such-method', ''].map(
    method =>
      new Promise<AgentReply>(resolve => {
        const inbox = `inbox.${method}`
        transport.subscribe(inbox, {
          callback: (_, message) => resolve(JSON.parse(Buffer.from(message.data).toString())),
        })
        transport.publish(agentSubject(alice, method), '{"path":""}', { reply: inbox })
      }),
  )
  for (const answer of await Promise.all(answers)) t.like(answer, { kind: 'end', ok: false, code: 'usage' })
})

test('A missing agent is noticed at once; a caller with patience waits for an agent that is starting.', async t => {
  const { transport } = memoryBus()
  const client = createAgentClient(transport, alice)
  t.like(await client.ask('share', request), { ok: false, code: 'unreachable' })
  const waiting = client.ask('share', request, { patience: async () => 60_000 })
  const handlers = { share: async () => done(file) } as Partial<AgentHandlers>
  const api = createActor(createAgentApi(transport, alice, handlers as AgentHandlers, pino({ level: 'silent' })))
  t.teardown(() => api.stop())
  api.start()
  t.deepEqual(await waiting, done(file))
})

test('An asker that gives up ends what ran for it, and hears its own reason.', async t => {
  const aborted = Promise.withResolvers<void>()
  const { client, listeners } = agentWith(t, {
    share: (_, { signal, progress }) => {
      signal.addEventListener('abort', () => aborted.resolve())
      progress({ hashedBytes: 1, size: 2 })
      return new Promise(() => {})
    },
  })
  const before = listeners.size
  const given = new AbortController()
  const asked = client.ask('share', request, {
    signal: given.signal,
    onProgress: () => given.abort(new Error('enough')),
  })
  await t.throwsAsync(asked, { message: 'enough' })
  await aborted.promise
  t.is(listeners.size, before)
})

test('A session that ends aborts what runs for its askers.', async t => {
  const aborted = Promise.withResolvers<void>()
  const { client, api } = agentWith(t, {
    share: (_, { signal, progress }) => {
      signal.addEventListener('abort', () => aborted.resolve())
      progress({ hashedBytes: 1, size: 2 })
      return new Promise(() => {})
    },
  })
  const given = new AbortController()
  const asked = client.ask('share', request, { signal: given.signal, onProgress: () => api.stop() })
  await aborted.promise
  given.abort(new Error('enough'))
  await t.throwsAsync(asked, { message: 'enough' })
})

test('An answer in a form this version does not know is not passed on.', async t => {
  const { client } = agentWith(t, { share: async () => done({ ...file, size: 'many' }) as never })
  t.like(await client.ask('share', request), { ok: false, code: 'unreachable' })
})
