import test from 'ava'
import { createActor, fromCallback, fromPromise, initialTransition, SimulatedClock, transition } from 'xstate'
import { getShortestPaths } from 'xstate/graph'
import { trackerTunables } from '../../config/tracker.ts'
import { backOffMs } from '../../src/domain/back-off.ts'
import { type EntriesApplied, type TrackerEvent, trackerMachine } from '../../src/machines/tracker.ts'

const error = new Error('test')
const restartDelayMs = (failures: number) => backOffMs(trackerTunables.restart, failures)
const parts = ['presence', 'requestHandler', 'authenticator', 'notifier', 'housekeeper'] as const
type Provided = Parameters<typeof trackerMachine.provide>[0]['actors']

/** The machine with parts that run on, steps that succeed, and whatever a test replaces. */
function running(replaced: Provided = {}) {
  const clock = new SimulatedClock()
  const told: string[] = []
  const idle = fromCallback(() => {})
  const machine = trackerMachine.provide({
    actors: {
      connect: fromPromise(async () => {}),
      connectionWatch: idle,
      prepare: fromPromise(async () => {}),
      logFollower: idle,
      presence: idle,
      requestHandler: idle,
      authenticator: idle,
      notifier: fromCallback(() => {}),
      housekeeper: fromCallback(() => {}),
      release: fromPromise(async () => {}),
      ...replaced,
    },
    actions: { reportFailure: (_, { child }) => told.push(child) },
  })
  const actor = createActor(machine, { clock })
  actor.subscribe({ error: () => {} })
  actor.start()
  const send = (event: TrackerEvent) => actor.send(event)
  return { actor, clock, told, send }
}

/** Lets promises that are already resolved be heard of. */
const settled = () => new Promise(resolve => setImmediate(resolve))

const serving = {
  connected: {
    following: {
      presence: 'running',
      service: {
        serving: { requestHandler: 'running', authenticator: 'running', notifier: 'running', housekeeper: 'running' },
      },
    },
  },
} as const

async function servingTracker(replaced?: Provided) {
  const tracker = running(replaced)
  await settled()
  await settled()
  tracker.send({ type: 'log.caught-up' })
  return tracker
}

test('A tracker connects, prepares, catches up, serves, and stops when told.', async t => {
  const { actor, send, told } = running()
  t.is(actor.getSnapshot().value, 'connecting')
  await settled()
  await settled()
  t.true(actor.getSnapshot().matches({ connected: { following: { service: 'catchingUp' } } }))
  send({ type: 'log.caught-up' })
  t.deepEqual(actor.getSnapshot().value, serving)
  send({ type: 'tracker.stop' })
  t.is(actor.getSnapshot().value, 'stopping')
  await settled()
  t.is(actor.getSnapshot().status, 'done')
  t.deepEqual(told, [])
})

test('A tracker answers no request before it has caught up with the log.', async t => {
  let started = 0
  const requestHandler = fromCallback(() => void started++)
  const { send } = running({ requestHandler })
  await settled()
  await settled()
  t.is(started, 0)
  send({ type: 'log.caught-up' })
  t.is(started, 1)
})

test('With the log out of reach, a tracker answers from what it knows.', async t => {
  const { actor, send } = running()
  await settled()
  await settled()
  send({ type: 'log.out-of-reach' })
  t.deepEqual(actor.getSnapshot().value, serving)
})

for (const part of parts)
  test(`A failing ${part} is reported, started again after a while, and affects no other part.`, async t => {
    const { actor, clock, send, told } = await servingTracker()
    send({ type: 'part.failed', part, error })
    t.deepEqual(told, [part])
    t.notDeepEqual(actor.getSnapshot().value, serving)
    t.true(actor.getSnapshot().matches({ connected: { following: { service: 'serving' } } }))
    clock.increment(trackerTunables.restart.firstMs - 1)
    t.notDeepEqual(actor.getSnapshot().value, serving)
    clock.increment(1)
    t.deepEqual(actor.getSnapshot().value, serving)
  })

for (const part of parts)
  test(`A ${part} that throws as it starts is tried again until it starts.`, async t => {
    let attempts = 0
    const flaky = fromCallback(() => {
      if (++attempts <= 2) throw error
    })
    const { actor, clock, told } = await servingTracker({ [part]: flaky })
    clock.increment(restartDelayMs(1))
    clock.increment(restartDelayMs(2))
    t.deepEqual(actor.getSnapshot().value, serving)
    t.deepEqual(told, [part, part])
  })

test('Back-off doubles up to its maximum, and is reset once a part runs steadily.', async t => {
  t.deepEqual(
    [1, 2, 3].map(restartDelayMs),
    [1, 2, 4].map(times => times * trackerTunables.restart.firstMs),
  )
  t.is(restartDelayMs(1000), trackerTunables.restart.mostMs)
  const { actor, clock, send } = await servingTracker()
  send({ type: 'part.failed', part: 'presence', error })
  clock.increment(restartDelayMs(1))
  send({ type: 'part.failed', part: 'presence', error })
  t.is(actor.getSnapshot().context.failures.presence, 2)
  clock.increment(restartDelayMs(2))
  clock.increment(trackerTunables.steadyAfterMs)
  t.is(actor.getSnapshot().context.failures.presence, 0)
})

test('A follower that fails takes the tracker back to preparing, with everything else stopped.', async t => {
  let stopped = 0
  const requestHandler = fromCallback(() => () => void stopped++)
  const { actor, clock, send, told } = await servingTracker({ requestHandler })
  send({ type: 'follower.failed', error })
  t.deepEqual(actor.getSnapshot().value, { connected: 'unprepared' })
  t.is(stopped, 1)
  t.deepEqual(told, ['prepare'])
  clock.increment(restartDelayMs(1))
  t.deepEqual(actor.getSnapshot().value, { connected: 'preparing' })
})

test('Lost connections are replaced, together with every part that used them.', async t => {
  let connects = 0
  const connect = fromPromise<void>(async () => void connects++)
  const { actor, clock, send } = await servingTracker({ connect })
  send({ type: 'connections.lost', error })
  t.is(actor.getSnapshot().value, 'unconnected')
  clock.increment(restartDelayMs(1))
  await settled()
  await settled()
  t.is(connects, 2)
  t.true(actor.getSnapshot().matches({ connected: { following: { service: 'catchingUp' } } }))
})

for (const [step, waiting] of [
  ['connect', 'unconnected'],
  ['prepare', { connected: 'unprepared' }],
] as const)
  test(`A tracker that cannot ${step} reports it and tries again.`, async t => {
    let attempts = 0
    const flaky = fromPromise<void>(async () => {
      if (++attempts === 1) throw error
    })
    const { actor, clock, told } = running({ [step]: flaky })
    await settled()
    await settled()
    t.deepEqual(actor.getSnapshot().value, waiting)
    t.deepEqual(told, [step])
    clock.increment(restartDelayMs(1))
    await settled()
    await settled()
    t.is(attempts, 2)
    t.true(actor.getSnapshot().matches({ connected: 'following' }))
  })

for (const [name, replaced] of [
  ['log follower', 'logFollower'],
  ['connection watch', 'connectionWatch'],
] as const)
  test(`A ${name} that throws as it starts ends nothing.`, async t => {
    const throwing = fromCallback(() => {
      throw error
    })
    const { actor, told } = running({ [replaced]: throwing })
    await settled()
    await settled()
    t.is(actor.getSnapshot().status, 'active')
    t.is(told.length, 1)
  })

test('A tracker whose release fails reports it and still stops.', async t => {
  const release = fromPromise<void>(async () => {
    throw error
  })
  const { actor, send, told } = await servingTracker({ release })
  send({ type: 'tracker.stop' })
  await settled()
  t.is(actor.getSnapshot().status, 'done')
  t.deepEqual(told, ['release'])
})

for (const part of ['notifier', 'housekeeper'] as const)
  test(`Applied entries reach the ${part} while it runs, and are dropped while it does not.`, async t => {
    const heard: unknown[] = []
    const hearing = fromCallback<EntriesApplied>(({ receive }) => receive(event => heard.push(event)))
    const { clock, send } = await servingTracker({ [part]: hearing })
    const news = { type: 'entries.applied', entries: [] } as const
    send(news)
    send({ type: 'part.failed', part, error })
    send(news)
    clock.increment(restartDelayMs(1))
    send(news)
    t.deepEqual(heard, [news, news])
  })

test('Every state can be reached, and from every state the tracker can be stopped.', t => {
  const events = [
    { type: 'log.caught-up' },
    { type: 'follower.failed', error },
    { type: 'connections.lost', error },
    ...parts.map(part => ({ type: 'part.failed' as const, part, error })),
    { type: 'xstate.done.actor.0.tracker.connecting', output: undefined },
    { type: 'xstate.error.actor.0.tracker.connecting', error },
    { type: 'xstate.done.actor.0.tracker.connected.preparing', output: undefined },
    { type: 'xstate.error.actor.0.tracker.connected.preparing', error },
  ] as TrackerEvent[]
  const paths = getShortestPaths(trackerMachine, {
    events,
    serializeState: ({ value }) => JSON.stringify(value),
    limit: 100_000,
  })
  const reached = new Set(paths.map(({ state }) => JSON.stringify(state.value)))
  const wanted = [
    'connecting',
    'unconnected',
    { connected: 'preparing' },
    { connected: 'unprepared' },
    { connected: { following: { presence: 'running', service: 'catchingUp' } } },
    serving,
  ]
  for (const value of wanted) t.true(reached.has(JSON.stringify(value)), JSON.stringify(value))
  for (const { state } of paths) t.is(transition(trackerMachine, state, { type: 'tracker.stop' })[0].value, 'stopping')
  t.is(initialTransition(trackerMachine)[0].value, 'connecting')
})
