// What watching machines shows, with a parent and a child that change their states.

import test from 'ava'
import { assign, createActor, sendTo, setup } from 'xstate'
import { inspection } from '../../config/tunables.ts'
import { type Inspection, inspectSteps } from '../../src/actors/inspect.ts'

const child = setup({ types: { events: {} as { type: 'flip' | 'count' } } }).createMachine({
  id: 'switch',
  context: { count: 0 },
  on: { count: { actions: assign({ count: ({ context }) => context.count + 1 }) } },
  initial: 'off',
  states: { off: { on: { flip: 'on' } }, on: { on: { flip: 'off' } } },
})
const parent = setup({ types: { events: {} as { type: 'flip' | 'count' } }, actors: { child } }).createMachine({
  id: 'house',
  invoke: { id: 'lamp', src: 'child' },
  on: { '*': { actions: sendTo('lamp', ({ event }) => event) } },
})

test('Each change of state is one step, named by the way down to its actor; what changes no state is none.', t => {
  const steps: Inspection[] = []
  const house = createActor(parent, { inspect: inspectSteps(step => steps.push(step)) }).start()
  for (let count = 0; count < 100; count += 1) house.send({ type: 'count' })
  t.deepEqual(
    steps.map(({ actor, machine, state }) => [actor, machine, state]),
    [
      ['lamp', 'switch', 'off'],
      [house.id, 'house', {}],
    ],
  )
})

test('Steps that follow each other closely are merged into the last.', async t => {
  const steps: Inspection[] = []
  const merged = Promise.withResolvers<void>()
  const house = createActor(parent, {
    inspect: inspectSteps(step => {
      steps.push(step)
      if (step.event === 'flip') merged.resolve()
    }),
  }).start()
  for (let flips = 0; flips < 5; flips += 1) house.send({ type: 'flip' })
  // Watching keeps no process alive; the test has to.
  const alive = setInterval(() => {}, 1_000)
  await merged.promise
  clearInterval(alive)
  const lamp = steps.filter(({ actor }) => actor === 'lamp')
  t.deepEqual(
    lamp.map(({ state }) => state),
    ['off', 'on'],
  )
  t.true(lamp[1]!.at - lamp[0]!.at <= inspection.leastGapMs)
})
