// Pins what src/machines/xstate-internals.ts relies on, fact by fact, on XState as it is installed.

import test from 'ava'
import {
  type AnyStateNode,
  and,
  assign,
  createActor,
  createMachine,
  fromCallback,
  fromPromise,
  type InspectionEvent,
  not,
  or,
  sendTo,
  setup,
  waitFor,
} from 'xstate'
import { idOfTaken } from '../../src/machines/transition-id.ts'
import {
  actionName,
  childrenOf,
  eventMeaning,
  failureIn,
  guardName,
  inspectSystem,
  isBookkeeping,
  isGeneratedId,
  isStart,
  machineOf,
  parentOf,
  sourceName,
  takenTransitions,
} from '../../src/machines/xstate-internals.ts'

const child = setup({ types: { events: {} as { type: 'ring' } } }).createMachine({
  id: 'bell',
  initial: 'quiet',
  states: { quiet: { on: { ring: 'ringing' } }, ringing: { type: 'final' } },
})

const throwing = createMachine({
  id: 'fuse',
  on: {
    blow: {
      actions: () => {
        throw new Error('broken')
      },
    },
  },
})

const parent = createMachine(
  {
    id: 'house',
    context: { rings: 0 },
    invoke: [
      { id: 'bell', src: 'child' },
      { src: 'listener' },
      { id: 'inline', src: fromCallback(() => {}) },
      { id: 'fuse', src: 'throwing', onError: '.closed' },
    ],
    initial: 'open',
    states: {
      open: {
        on: {
          ring: { guard: 'isOpen', actions: ['count', sendTo('bell', { type: 'ring' }), () => {}] },
          idle: { guard: not('isLate') },
          load: 'loading',
        },
        after: { patience: 'closed' },
        always: { guard: ({ context }) => context.rings > 9, target: 'closed' },
      },
      loading: { invoke: { id: 'load', src: 'loaded', onDone: 'open', onError: 'closed' } },
      closed: { type: 'final' },
    },
    on: {
      blow: { actions: sendTo('fuse', { type: 'blow' }) },
      '*': [{ guard: and(['isOpen', 'isLate']) }, { guard: or(['isOpen', not('isLate')]) }],
    },
  },
  {
    actors: { child, throwing, loaded: fromPromise(async () => 1), listener: fromCallback(() => {}) },
    actions: { count: assign({ rings: ({ context }) => context.rings + 1 }) },
    guards: { isOpen: () => true, isLate: () => false },
    delays: { patience: 60_000 },
  },
)
const { open, loading } = parent.states as Record<string, AnyStateNode>
const always = open!.always![0]!
const transitionOf = (node: AnyStateNode | undefined, event: string, index = 0) => node!.transitions.get(event)![index]!

function inspected() {
  const events: InspectionEvent[] = []
  const actor = createActor(parent)
  const subscription = inspectSystem(actor, event => events.push(event))
  return { actor, events, subscription }
}

test('The adapter tells whether an actor runs a machine, and which.', t => {
  const actor = createActor(parent).start()
  t.is(machineOf(actor), parent)
  const { bell, inline } = actor.getSnapshot().children
  t.is(machineOf(bell!), child)
  t.is(machineOf(inline!), undefined)
  t.is(machineOf(createActor(parent.provide({})))?.id, 'house')
  actor.stop()
})

test('The adapter finds an actor’s parent and children.', t => {
  const actor = createActor(parent).start()
  t.is(parentOf(actor), undefined)
  t.deepEqual(
    childrenOf(actor).map(each => each.id),
    ['bell', '1.house', 'inline', 'fuse'],
  )
  for (const each of childrenOf(actor)) t.is(parentOf(each), actor)
  t.deepEqual(childrenOf(actor.getSnapshot().children.inline!), [])
  actor.stop()
})

test('An actor and an invoke are named after what they run, and a generated id is recognized.', t => {
  const actor = createActor(parent).start()
  const [bell, listener, inline] = childrenOf(actor)
  t.deepEqual(
    [bell, listener].map(each => sourceName(each!)),
    ['child', 'listener'],
  )
  t.is(sourceName(inline!), undefined)
  t.deepEqual(parent.root.invoke.map(sourceName), ['child', 'listener', undefined, 'throwing'])
  t.deepEqual(
    [bell, listener, inline].map(each => isGeneratedId(each!.id)),
    [false, true, false],
  )
  t.false(isGeneratedId('download:1'))
  actor.stop()
})

test('Named actions have names; XState’s own and inline actions have none.', t => {
  t.deepEqual(transitionOf(open, 'ring').actions.map(actionName), ['count', undefined, undefined])
  t.is(actionName({ type: 'count', params: {} }), 'count')
  t.is(actionName(assign({})), undefined)
})

test('Guards are named, combined ones too.', t => {
  t.is(guardName(transitionOf(open, 'ring').guard), 'isOpen')
  t.is(guardName(transitionOf(open, 'idle').guard), 'not isLate')
  t.is(guardName(transitionOf(open, 'load').guard), null)
  t.deepEqual(
    parent.root.transitions.get('*')!.map(({ guard }) => guardName(guard)),
    ['isOpen and isLate', 'isOpen or not isLate'],
  )
  t.is(guardName({ type: 'isOpen', params: {} }), 'isOpen')
  t.is(guardName(always.guard), 'if')
})

test('XState’s own event types are understood as definitions have them.', t => {
  const meanings = (node: AnyStateNode | undefined) => [...node!.transitions.keys()].map(eventMeaning)
  t.deepEqual(meanings(open), [undefined, undefined, undefined, { kind: 'after', delay: 'patience' }])
  t.deepEqual(meanings(loading), [
    { kind: 'actor done', actor: 'load' },
    { kind: 'actor failed', actor: 'load' },
  ])
  t.deepEqual(eventMeaning(always.eventType), { kind: 'always' })
  t.deepEqual(eventMeaning('xstate.error.actor.*'), { kind: 'actor failed', actor: '*' })
  const nested = createMachine({
    initial: 'a',
    states: { a: { initial: 'b', states: { b: { type: 'final' } }, onDone: {} } },
  })
  t.deepEqual(meanings(nested.states.a), [{ kind: 'state done' }])
})

test('Every transition taken is the definition’s own object, so that its id can be found.', t => {
  const { actor, events } = inspected()
  actor.start()
  actor.send({ type: 'ring' })
  const taken = events.flatMap(event => (event.type === '@xstate.microstep' ? takenTransitions(event) : []))
  const ring = transitionOf(open, 'ring')
  t.true(taken.includes(ring))
  t.is(idOfTaken(ring), 'house.open|ring|0')
  t.is(idOfTaken(transitionOf(parent.root, '*', 1)), 'house|*|1')
  t.is(idOfTaken(always), 'house.open||0')
  actor.stop()
})

test('Inspection can begin with running actors, covers their children, and ends.', t => {
  const events: InspectionEvent[] = []
  const actor = createActor(parent).start()
  const subscription = inspectSystem(actor, event => events.push(event))
  actor.send({ type: 'ring' })
  const received = events.flatMap(event => (event.type === '@xstate.event' ? [[event.actorRef, event.event.type]] : []))
  t.deepEqual(received, [
    [actor, 'ring'],
    [actor.getSnapshot().children.bell, 'ring'],
    [actor, 'xstate.done.actor.bell'],
  ])
  const before = events.length
  subscription.unsubscribe()
  actor.send({ type: 'idle' })
  t.is(events.length, before)
  actor.stop()
})

test('When an actor throws, only the event that it sends to its parent says why.', t => {
  const { actor, events } = inspected()
  actor.start()
  const { fuse } = actor.getSnapshot().children
  actor.send({ type: 'blow' })
  const failures = events.flatMap(event => {
    const failure = event.type === '@xstate.event' ? failureIn(event.event) : undefined
    return failure && event.type === '@xstate.event' ? [[event.sourceRef, event.actorRef, String(failure.error)]] : []
  })
  t.deepEqual(failures, [[fuse, actor, 'Error: broken']])
  const failed = events.filter(event => event.type === '@xstate.snapshot' && event.snapshot.status === 'error')
  t.deepEqual(failed, [], 'its own snapshot says so, too: then `failureIn` can go')
})

test('The first event of an actor and XState’s bookkeeping are recognized.', async t => {
  const { actor, events } = inspected()
  actor.start()
  actor.send({ type: 'load' })
  await waitFor(actor, ({ value }) => value === 'open')
  actor.stop()
  const types = events.flatMap(event => (event.type === '@xstate.event' ? [event.event.type] : []))
  t.is(types.filter(isStart).length, 6, 'the root, its four children and the promise')
  t.deepEqual(
    types.filter(type => !isBookkeeping(type)),
    ['load', 'xstate.done.actor.load'],
  )
  t.true(types.includes('xstate.promise.resolve'))
})
