// The agent's login and the services that run during it, with actors that succeed or fail as a test scripts them.

import test from 'ava'
import { type AnyActorRef, createActor, type EventObject, fromCallback, fromPromise, SimulatedClock } from 'xstate'
import { getShortestPaths } from 'xstate/graph'
import { agentTunables } from '../../config/agent.ts'
import { isVoid, type Revocation, type Revocations } from '../../src/domain/revocation.ts'
import { type AgentEvent, agentSessionMachine, type Connected } from '../../src/machines/agent-session.ts'
import { type SessionServicesEvent, sessionServicesMachine } from '../../src/machines/session-services.ts'

const listen = { host: '127.0.0.1', port: 0 }
const settled = () => new Promise(resolve => setImmediate(resolve))

type Child = 'heartbeat' | 'uploads' | 'shareRegistry' | 'downloads'

/** Services that keep running and record what they hear; those named in `broken` fail as they start. */
function services(broken: readonly Child[] = []) {
  const started: Child[] = []
  const heard: [Child, string][] = []
  const failures: string[] = []
  const part = (name: Child) =>
    fromCallback<EventObject>(({ receive }) => {
      started.push(name)
      if (broken.includes(name)) throw new Error(`the ${name} broke`)
      receive(event => heard.push([name, event.type]))
    }) as never
  // The queue ends when it is told to suspend: a promise can end, a callback cannot.
  const suspended = Promise.withResolvers<void>()
  const downloads = fromPromise(async () => {
    started.push('downloads')
    if (broken.includes('downloads')) throw new Error('the downloads broke')
    await suspended.promise
  })
  const logic = sessionServicesMachine.provide({
    actors: {
      heartbeat: part('heartbeat'),
      uploads: part('uploads'),
      shareRegistry: part('shareRegistry'),
      downloads: downloads as never,
    },
    actions: { reportFailure: (_, { child }) => failures.push(child) },
  })
  return { logic, started, heard, failures, suspended }
}

function startServices(broken?: readonly Child[]) {
  const clock = new SimulatedClock()
  const provided = services(broken)
  const actor = createActor(provided.logic, { input: { listen }, clock })
  actor.subscribe({ error: () => {} })
  actor.start()
  return { ...provided, clock, actor, send: (event: SessionServicesEvent) => actor.send(event) }
}

test('The services are four children, started side by side.', t => {
  t.deepEqual(startServices().started.sort(), ['downloads', 'heartbeat', 'shareRegistry', 'uploads'])
})

for (const child of ['heartbeat', 'uploads', 'shareRegistry', 'downloads'] as const)
  test(`When the child ${child} fails, the failure is reported, and only that child is started again.`, async t => {
    const { clock, started, failures, actor } = startServices([child])
    await settled()
    t.deepEqual(failures, [child])
    t.is(started.length, 4)
    clock.increment(agentTunables.restart.firstMs)
    await settled()
    t.deepEqual(started.slice(4), [child])
    t.is(actor.getSnapshot().status, 'active')
  })

test('A child’s events reach the children that they concern.', t => {
  const { send, heard } = startServices()
  const notice = { seq: 1, group: 'reef', type: 'sharing.ended' } as const
  send({ type: 'notice.received', notice })
  const revocation = { kind: 'membership', user: 'bob', group: 'reef', seq: 1 } as const
  send({ type: 'access.revoked', revocation })
  send({ type: 'notices.missed' })
  send({ type: 'uploads.opened', host: '127.0.0.1', port: 4000 })
  send({ type: 'peer.admitted', share: 'f'.repeat(32), peer: 'bob/abcdef012345' })
  send({ type: 'offer.failed', share: 'f'.repeat(32), error: new Error('gone') })
  t.deepEqual(heard, [
    ['shareRegistry', 'notice.received'],
    ['uploads', 'access.revoked'],
    ['shareRegistry', 'notices.missed'],
    ['heartbeat', 'uploads.opened'],
    ['heartbeat', 'peer.admitted'],
    ['shareRegistry', 'offer.failed'],
  ])
})

test('Uploads that have started are told how many peers they may serve, and then what is on offer.', t => {
  const told: string[] = []
  const logic = services().logic.provide({
    actions: { limitSessions: () => told.push('limit'), restockOffers: () => told.push('offers') },
  })
  const actor = createActor(logic, { input: { listen } }).start()
  actor.send({ type: 'uploads.opened', host: '127.0.0.1', port: 4000 })
  t.deepEqual(told, ['limit', 'offers'])
  actor.stop()
})

test('Uploads that start again listen at the address that peers know.', t => {
  const { send, actor } = startServices()
  send({ type: 'uploads.opened', host: '127.0.0.1', port: 4000 })
  t.deepEqual(actor.getSnapshot().context.listen, { host: '127.0.0.1', port: 4000 })
})

test('Uploads that start again know what was revoked before and meanwhile.', async t => {
  const given: Revocations[] = []
  const uploads = fromCallback(({ input }: { input: { revocations: Revocations } }) => {
    given.push(input.revocations)
    if (given.length === 1) throw new Error('the uploads broke')
  }) as never
  const clock = new SimulatedClock()
  const actor = createActor(services().logic.provide({ actors: { uploads } }), {
    input: { listen },
    clock,
  }).start()
  await settled()
  const revocation: Revocation = { kind: 'membership', user: 'bob', group: 'reef', seq: 5 }
  actor.send({ type: 'access.revoked', revocation })
  clock.increment(agentTunables.restart.firstMs)
  await settled()
  const access = { holder: { user: 'bob', device: 'bbbbbbbbbbbb' }, group: 'reef', share: '0'.repeat(32), seq: 5 }
  t.deepEqual(
    given.map(revocations => isVoid(revocations, access)),
    [false, true],
  )
  actor.stop()
})

test('A heartbeat that starts again may have missed notices, so shares and downloads check again.', async t => {
  const { clock, heard } = startServices(['heartbeat'])
  await settled()
  t.deepEqual(heard, [])
  clock.increment(agentTunables.restart.firstMs)
  t.deepEqual(heard, [['shareRegistry', 'notices.missed']])
})

test('Closing services stop serving at once, however long the downloads take.', async t => {
  for (const broken of [[], ['uploads']] as const)
    for (const type of ['services.close', 'session.revoked'] as const) {
      const { send, actor, clock } = startServices(broken)
      await settled()
      send({ type })
      clock.increment(agentTunables.restart.firstMs)
      t.is(actor.getSnapshot().status, 'active')
      t.is(actor.getSnapshot().children.uploads, undefined)
      t.truthy(actor.getSnapshot().children.heartbeat)
    }
})

test('Services close once the downloads are suspended.', async t => {
  const { send, actor, suspended } = startServices()
  send({ type: 'services.close' })
  t.is(actor.getSnapshot().status, 'active')
  suspended.resolve()
  await settled()
  t.is(actor.getSnapshot().status, 'done')
  t.deepEqual(actor.getSnapshot().output, { isRevoked: false })
})

test('Services close even when the downloads never are, and say that the login is void.', t => {
  const { send, actor, clock } = startServices()
  send({ type: 'session.revoked' })
  clock.increment(agentTunables.leaveWithinMs)
  t.deepEqual(actor.getSnapshot().output, { isRevoked: true })
})

test('Services that close start nothing again, and a second request gives them no more time.', async t => {
  const { send, actor, clock, started } = startServices()
  send({ type: 'services.close' })
  clock.increment(agentTunables.leaveWithinMs - 1)
  send({ type: 'services.close' })
  await settled()
  t.is(started.length, 4)
  clock.increment(1)
  t.is(actor.getSnapshot().status, 'done')
})

test('Services close at once while the downloads are being started again.', async t => {
  const { send, actor, started } = startServices(['downloads'])
  await settled()
  send({ type: 'services.close' })
  t.is(actor.getSnapshot().status, 'done')
  t.is(started.length, 4)
})

interface Script {
  readonly connects?: readonly (Connected | Error)[]
  readonly opens?: readonly (boolean | 'disabled' | Error)[]
  readonly leaves?: Error | 'never'
  /** The command API does as it starts. */
  readonly breaks?: boolean
}

function startAgent({ connects = [], opens = [], leaves, breaks = false }: Script = {}) {
  const clock = new SimulatedClock()
  const provided = services()
  const forgot: boolean[] = []
  const failures: string[] = []
  const attempts = { connect: 0, open: 0, apisEnded: 0 }
  const actor = createActor(
    agentSessionMachine.provide({
      actors: {
        sessionWatch: fromCallback(() => {}) as never,
        api: fromCallback(() => {
          if (breaks) throw new Error('the api broke')
          return () => {
            attempts.apisEnded += 1
          }
        }) as never,
        logoutTeller: fromCallback(() => {}) as never,
        connect: fromPromise(async () => {
          const outcome = connects[attempts.connect++] ?? 'connected'
          if (outcome instanceof Error) throw outcome
          return outcome
        }),
        open: fromPromise(async () => {
          const outcome = opens[attempts.open++] ?? true
          if (outcome instanceof Error) throw outcome
          if (outcome === 'disabled') return outcome
          return outcome ? provided.logic : undefined
        }),
        leave: fromPromise(async ({ input }) => {
          forgot.push(input.forget)
          if (leaves === 'never') await new Promise(() => {})
          if (leaves) throw leaves
        }),
      },
      actions: { reportFailure: (_, { child }) => failures.push(child) },
    }),
    { input: { listen }, clock },
  )
  actor.subscribe({ error: () => {} })
  actor.start()
  const send = async (event: AgentEvent) => {
    actor.send(event)
    for (let turn = 0; turn < 4; turn += 1) await settled()
    return state()
  }
  const wait = async (ms: number) => {
    clock.increment(ms)
    for (let turn = 0; turn < 4; turn += 1) await settled()
    return state()
  }
  const state = () => JSON.stringify(actor.getSnapshot().value).replaceAll(/["{}]/g, '').replaceAll(':', '.')
  const child = () => actor.getSnapshot().children.services as AnyActorRef | undefined
  return { actor, send, wait, state, child, provided, forgot, failures, attempts }
}

const found: AgentEvent = { type: 'session.found' }

test('An agent waits for a login, connects, opens its session, and is online.', async t => {
  const { state, send, provided } = startAgent()
  t.is(state(), 'loggedOut')
  t.is(await send(found), 'online')
  t.is(provided.started.length, 4)
})

test('The command API runs from the start to the stop, whether or not there is a login; one that breaks is reported.', async t => {
  const agent = startAgent({ connects: ['away'] })
  t.truthy(agent.actor.getSnapshot().children.api)
  await agent.send(found)
  await agent.send({ type: 'agent.logout' })
  t.is(agent.state(), 'loggedOut')
  t.is(agent.attempts.apisEnded, 0)
  await agent.send({ type: 'agent.stop' })
  t.is(agent.attempts.apisEnded, 1)

  const broken = startAgent({ breaks: true })
  t.is(await broken.send(found), 'online')
  t.deepEqual(broken.failures, ['api'])
})

test('While brokers or trackers are away, it tries again less and less often.', async t => {
  const { send, wait, attempts } = startAgent({ connects: ['away', 'away'], opens: [false] })
  t.is(await send(found), 'connecting.waiting')
  t.is(await wait(agentTunables.retry.firstMs), 'connecting.waiting')
  t.is(await wait(agentTunables.retry.firstMs), 'connecting.waiting')
  t.is(attempts.connect, 2)
  t.is(await wait(agentTunables.retry.firstMs), 'opening.waiting')
  t.is(await wait(agentTunables.retry.mostMs), 'online')
})

test('Connecting or opening that fails is reported and tried again.', async t => {
  const { send, wait, failures } = startAgent({ connects: [new Error('bug')], opens: [new Error('bug')] })
  t.is(await send(found), 'connecting.waiting')
  t.is(await wait(agentTunables.retry.mostMs), 'opening.waiting')
  t.is(await wait(agentTunables.retry.mostMs), 'online')
  t.deepEqual(failures, ['connect', 'open'])
})

test('While the account is disabled, it connects anew each time and keeps its login.', async t => {
  const { send, wait, attempts, forgot } = startAgent({ opens: ['disabled', 'disabled'] })
  t.is(await send(found), 'connecting.waiting')
  t.is(await wait(agentTunables.retry.firstMs), 'connecting.waiting')
  t.is(await wait(agentTunables.retry.mostMs), 'online')
  t.like(attempts, { connect: 3, open: 3 })
  t.deepEqual(forgot, [])
})

test('A void login is forgotten; a replaced one, and that of an agent that stops, is not.', async t => {
  const revoked = startAgent({ connects: ['revoked'] })
  t.is(await revoked.send(found), 'loggedOut')
  t.deepEqual(revoked.forgot, [true])

  const replaced = startAgent({ connects: ['away'] })
  await replaced.send(found)
  t.is(await replaced.send({ type: 'session.replaced' }), 'loggedOut')
  t.deepEqual(replaced.forgot, [false])

  const stopped = startAgent({ connects: ['away'] })
  await stopped.send(found)
  t.is(await stopped.send({ type: 'agent.stop' }), 'stopped')
  t.deepEqual(stopped.forgot, [false])
})

test('Logging out, stopping and being replaced close the services first.', async t => {
  for (const [type, end, forgot] of [
    ['agent.logout', 'loggedOut', true],
    ['agent.stop', 'stopped', false],
    ['session.replaced', 'loggedOut', false],
  ] as const) {
    const agent = startAgent()
    await agent.send(found)
    t.is(await agent.send({ type }), 'online')
    agent.provided.suspended.resolve()
    for (let turn = 0; turn < 4; turn += 1) await settled()
    t.is(agent.state(), end)
    t.deepEqual(agent.forgot, [forgot])
    t.is(agent.child(), undefined)
  }
})

test('A session revoked from elsewhere ends like a logout.', async t => {
  const agent = startAgent()
  await agent.send(found)
  agent.provided.suspended.resolve()
  agent.child()!.send({ type: 'session.revoked' })
  for (let turn = 0; turn < 4; turn += 1) await settled()
  t.is(agent.state(), 'loggedOut')
  t.deepEqual(agent.forgot, [true])
})

test('A failing goodbye is reported and delays nothing; a hanging one is abandoned.', async t => {
  const { send, failures } = startAgent({ connects: ['away'], leaves: new Error('bug') })
  await send(found)
  t.is(await send({ type: 'agent.stop' }), 'stopped')
  t.deepEqual(failures, ['leave'])

  const hanging = startAgent({ connects: ['away'], leaves: 'never' })
  await hanging.send(found)
  t.is(await hanging.send({ type: 'agent.stop' }), 'leaving')
  t.is(await hanging.wait(agentTunables.leaveWithinMs), 'stopped')
})

test('Every state of the agent can be reached, and from every state it can stop.', t => {
  const idle = fromCallback(() => {}) as never
  const pending = fromPromise(() => new Promise<never>(() => {})) as never
  const chart = agentSessionMachine.provide({
    actors: { sessionWatch: idle, api: idle, logoutTeller: idle, connect: pending, open: pending, leave: pending },
    actions: { startServices: () => {}, closeServices: () => {} } as never,
  })
  const done = (id: string, output?: unknown) =>
    ({ type: `xstate.done.actor.${id}`, output, actorId: id }) as unknown as AgentEvent
  const after = (what: string) => ({ type: `xstate.after.${what}` }) as unknown as AgentEvent
  const events: AgentEvent[] = [
    found,
    { type: 'session.replaced' },
    { type: 'agent.logout' },
    { type: 'agent.stop' },
    done('0.agent.connecting.attempting', 'connected'),
    done('0.agent.connecting.attempting', 'away'),
    done('0.agent.opening.attempting', sessionServicesMachine),
    done('0.agent.opening.attempting', undefined),
    done('services', { isRevoked: true }),
    done('0.agent.leaving'),
    after('leaveAtLast.agent.leaving'),
    after('retry.agent.connecting.waiting'),
  ]
  const serializeState = ({ value, context }: { value: unknown; context: { isStopping: boolean } }) =>
    JSON.stringify([value, context.isStopping])
  const paths = getShortestPaths(chart, { input: { listen }, events, serializeState } as never)
  const reached = new Set(paths.map(({ state }) => JSON.stringify(state.value)))
  const expected = [
    'loggedOut',
    { connecting: 'attempting' },
    { connecting: 'waiting' },
    { opening: 'attempting' },
    { opening: 'waiting' },
    'online',
    'leaving',
    'stopped',
  ]
  t.deepEqual([...reached].sort(), expected.map(state => JSON.stringify(state)).sort())
  for (const { state } of paths) {
    if (state.status === 'done') continue
    const onwards = getShortestPaths(chart, { fromState: state, events, serializeState } as never)
    t.true(
      onwards.some(path => path.state.status === 'done'),
      JSON.stringify(state.value),
    )
  }
})
