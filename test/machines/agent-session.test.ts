// Whether an agent is logged in, and what runs while it is, with actors that succeed or fail as a test says.

import test from 'ava'
import { type AnyActorRef, createActor, type EventObject, fromCallback, fromPromise, SimulatedClock } from 'xstate'
import { getShortestPaths } from 'xstate/graph'
import { agentTunables } from '../../config/agent.ts'
import { isVoid, type Withdrawal, type Withdrawals } from '../../src/domain/withdrawal.ts'
import { type AgentEvent, agentSessionMachine, type Connected } from '../../src/machines/agent-session.ts'
import { type HouseholdEvent, householdMachine } from '../../src/machines/household.ts'

const listen = { host: '127.0.0.1', port: 0 }
const settled = () => new Promise(resolve => setImmediate(resolve))

type Child = 'line' | 'servingDesk' | 'keeper' | 'downloads' | 'api'

/** A household whose parts run on, and record what they hear; those named in `broken` fail when they start. */
function household(broken: readonly Child[] = []) {
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
  const logic = householdMachine.provide({
    actors: {
      line: part('line'),
      servingDesk: part('servingDesk'),
      keeper: part('keeper'),
      api: part('api'),
      downloads: downloads as never,
    },
    actions: { reportFailure: (_, { child }) => failures.push(child) },
  })
  return { logic, started, heard, failures, suspended }
}

function startHousehold(broken?: readonly Child[]) {
  const clock = new SimulatedClock()
  const house = household(broken)
  const actor = createActor(house.logic, { input: { listen }, clock })
  actor.subscribe({ error: () => {} })
  actor.start()
  return { ...house, clock, actor, send: (event: HouseholdEvent) => actor.send(event) }
}

test('A household starts its five children side by side.', t => {
  t.deepEqual(startHousehold().started.sort(), ['api', 'downloads', 'keeper', 'line', 'servingDesk'])
})

for (const child of ['line', 'servingDesk', 'keeper', 'api', 'downloads'] as const)
  test(`When its ${child} fails, that is reported, and it alone is started again.`, async t => {
    const { clock, started, failures, actor } = startHousehold([child])
    await settled()
    t.deepEqual(failures, [child])
    t.is(started.length, 5)
    clock.increment(agentTunables.restartChildMs)
    await settled()
    t.deepEqual(started.slice(5), [child])
    t.is(actor.getSnapshot().status, 'active')
  })

test('What one child says reaches those it concerns.', t => {
  const { send, heard } = startHousehold()
  const notice = { seq: 1, group: 'reef', type: 'sharing.ended' } as const
  send({ type: 'notice.received', notice })
  const withdrawal = { kind: 'membership', user: 'bob', group: 'reef', seq: 1 } as const
  send({ type: 'access.withdrawn', withdrawal })
  send({ type: 'notices.missed' })
  send({ type: 'desk.opened', host: '127.0.0.1', port: 4000 })
  send({ type: 'guest.served', share: 'f'.repeat(32), peer: 'bob/abcdef012345' })
  send({ type: 'offer.failed', share: 'f'.repeat(32), error: new Error('gone') })
  t.deepEqual(heard, [
    ['keeper', 'notice.received'],
    ['servingDesk', 'access.revoked'],
    ['keeper', 'notices.missed'],
    ['line', 'desk.opened'],
    ['line', 'guest.served'],
    ['keeper', 'offer.failed'],
  ])
})

test('A desk that has started is told how many it may serve, and then what is on offer.', t => {
  const told: string[] = []
  const logic = household().logic.provide({
    actions: { limitLinks: () => told.push('limit'), offerEverything: () => told.push('offers') },
  })
  const actor = createActor(logic, { input: { listen } }).start()
  actor.send({ type: 'desk.opened', host: '127.0.0.1', port: 4000 })
  t.deepEqual(told, ['limit', 'offers'])
  actor.stop()
})

test('A desk that starts again listens where peers know it to be.', t => {
  const { send, actor } = startHousehold()
  send({ type: 'desk.opened', host: '127.0.0.1', port: 4000 })
  t.deepEqual(actor.getSnapshot().context.listen, { host: '127.0.0.1', port: 4000 })
})

test('What was withdrawn is known to a desk that starts again, also what was while it did.', async t => {
  const given: Withdrawals[] = []
  const servingDesk = fromCallback(({ input }: { input: { withdrawals: Withdrawals } }) => {
    given.push(input.withdrawals)
    if (given.length === 1) throw new Error('the desk broke')
  }) as never
  const clock = new SimulatedClock()
  const actor = createActor(household().logic.provide({ actors: { servingDesk } }), {
    input: { listen },
    clock,
  }).start()
  await settled()
  const withdrawal: Withdrawal = { kind: 'membership', user: 'bob', group: 'reef', seq: 5 }
  actor.send({ type: 'access.withdrawn', withdrawal })
  clock.increment(agentTunables.restartChildMs)
  await settled()
  const access = { holder: { user: 'bob', device: 'bbbbbbbbbbbb' }, group: 'reef', share: '0'.repeat(32), seq: 5 }
  t.deepEqual(
    given.map(withdrawals => isVoid(withdrawals, access)),
    [false, true],
  )
  actor.stop()
})

test('A line that starts again may have missed notices: shares and downloads look again.', async t => {
  const { clock, heard } = startHousehold(['line'])
  await settled()
  t.deepEqual(heard, [])
  clock.increment(agentTunables.restartChildMs)
  t.deepEqual(heard, [['keeper', 'notices.missed']])
})

test('A household that closes serves nobody any more, however long its downloads take.', async t => {
  for (const broken of [[], ['servingDesk']] as const)
    for (const type of ['household.close', 'session.revoked'] as const) {
      const { send, actor, clock } = startHousehold(broken)
      await settled()
      send({ type })
      clock.increment(agentTunables.restartChildMs)
      t.is(actor.getSnapshot().status, 'active')
      t.is(actor.getSnapshot().children.servingDesk, undefined)
      t.truthy(actor.getSnapshot().children.line)
    }
})

test('A household closes once its downloads rest.', async t => {
  const { send, actor, suspended } = startHousehold()
  send({ type: 'household.close' })
  t.is(actor.getSnapshot().status, 'active')
  suspended.resolve()
  await settled()
  t.is(actor.getSnapshot().status, 'done')
  t.deepEqual(actor.getSnapshot().output, { isRevoked: false })
})

test('A household closes also when its downloads never rest, and says that its log-in is void.', t => {
  const { send, actor, clock } = startHousehold()
  send({ type: 'session.revoked' })
  clock.increment(agentTunables.leaveWithinMs)
  t.deepEqual(actor.getSnapshot().output, { isRevoked: true })
})

test('A household that closes starts nothing anew, and being told again gives it no more time.', async t => {
  const { send, actor, clock, started } = startHousehold()
  send({ type: 'household.close' })
  clock.increment(agentTunables.leaveWithinMs - 1)
  send({ type: 'household.close' })
  await settled()
  t.is(started.length, 5)
  clock.increment(1)
  t.is(actor.getSnapshot().status, 'done')
})

test('A household closes at once when its downloads are just being started again.', async t => {
  const { send, actor, started } = startHousehold(['downloads'])
  await settled()
  send({ type: 'household.close' })
  t.is(actor.getSnapshot().status, 'done')
  t.is(started.length, 5)
})

interface Script {
  readonly connects?: readonly (Connected | Error)[]
  readonly opens?: readonly (boolean | Error)[]
  readonly leaves?: Error | 'never'
}

function startAgent({ connects = [], opens = [], leaves }: Script = {}) {
  const clock = new SimulatedClock()
  const house = household()
  const forgot: boolean[] = []
  const failures: string[] = []
  const attempts = { connect: 0, open: 0 }
  const actor = createActor(
    agentSessionMachine.provide({
      actors: {
        sessionWatch: fromCallback(() => {}) as never,
        connect: fromPromise(async () => {
          const outcome = connects[attempts.connect++] ?? 'connected'
          if (outcome instanceof Error) throw outcome
          return outcome
        }),
        open: fromPromise(async () => {
          const outcome = opens[attempts.open++] ?? true
          if (outcome instanceof Error) throw outcome
          return outcome ? house.logic : undefined
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
  const child = () => actor.getSnapshot().children.household as AnyActorRef | undefined
  return { actor, send, wait, state, child, house, forgot, failures, attempts }
}

const found: AgentEvent = { type: 'session.found' }

test('An agent waits for a log-in, connects, opens its session, and is online.', async t => {
  const { state, send, house } = startAgent()
  t.is(state(), 'loggedOut')
  t.is(await send(found), 'online')
  t.is(house.started.length, 5)
})

test('While brokers or trackers are away it tries again, ever less often.', async t => {
  const { send, wait, attempts } = startAgent({ connects: ['away', 'away'], opens: [false] })
  t.is(await send(found), 'connecting.waiting')
  t.is(await wait(agentTunables.retryFirstMs), 'connecting.waiting')
  t.is(await wait(agentTunables.retryFirstMs), 'connecting.waiting')
  t.is(attempts.connect, 2)
  t.is(await wait(agentTunables.retryFirstMs), 'opening.waiting')
  t.is(await wait(agentTunables.retryMostMs), 'online')
})

test('A connect or an open that fails is reported and tried again.', async t => {
  const { send, wait, failures } = startAgent({ connects: [new Error('bug')], opens: [new Error('bug')] })
  t.is(await send(found), 'connecting.waiting')
  t.is(await wait(agentTunables.retryMostMs), 'opening.waiting')
  t.is(await wait(agentTunables.retryMostMs), 'online')
  t.deepEqual(failures, ['connect', 'open'])
})

test('A log-in that is void is forgotten; one that is being replaced, or an agent that stops, is not.', async t => {
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

test('Logging out, stopping and being replaced close the household first.', async t => {
  for (const [type, end, forgot] of [
    ['agent.logout', 'loggedOut', true],
    ['agent.stop', 'stopped', false],
    ['session.replaced', 'loggedOut', false],
  ] as const) {
    const agent = startAgent()
    await agent.send(found)
    t.is(await agent.send({ type }), 'online')
    agent.house.suspended.resolve()
    for (let turn = 0; turn < 4; turn += 1) await settled()
    t.is(agent.state(), end)
    t.deepEqual(agent.forgot, [forgot])
    t.is(agent.child(), undefined)
  }
})

test('A session revoked from elsewhere ends as a log-out does.', async t => {
  const agent = startAgent()
  await agent.send(found)
  agent.house.suspended.resolve()
  agent.child()!.send({ type: 'session.revoked' })
  for (let turn = 0; turn < 4; turn += 1) await settled()
  t.is(agent.state(), 'loggedOut')
  t.deepEqual(agent.forgot, [true])
})

test('A goodbye that fails is reported and keeps nobody; one that hangs is left behind.', async t => {
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
    actors: { sessionWatch: idle, connect: pending, open: pending, leave: pending },
    actions: { startHousehold: () => {}, closeHousehold: () => {} } as never,
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
    done('0.agent.opening.attempting', householdMachine),
    done('0.agent.opening.attempting', undefined),
    done('household', { isRevoked: true }),
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
