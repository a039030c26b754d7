// What watching machines shows, with a parent and a child that change their states.

import test from 'ava'
import { assign, createActor, fromPromise, sendTo, setup } from 'xstate'
import { type Messages, observeMachines, type Step } from '../../../src/actors/inspection/observe-machines.ts'
import { createLookout } from '../../helpers/lookout.ts'

const child = setup({
  types: { events: {} as { type: 'flip' | 'count' } },
  guards: { isReady: () => true },
}).createMachine({
  id: 'switch',
  context: { count: 0 },
  on: { count: { actions: assign({ count: ({ context }) => context.count + 1 }) } },
  initial: 'off',
  states: { off: { on: { flip: { guard: 'isReady', target: 'on' } } }, on: { on: { flip: 'off' } } },
})
const parent = setup({
  types: { events: {} as { type: 'flip' | 'count' } },
  actors: { child, failing: fromPromise(() => Promise.reject(new Error('no file /home/bob/secret/film here'))) },
}).createMachine({
  id: 'house',
  invoke: [
    { id: 'lamp', src: 'child' },
    { id: 'fuse', src: 'failing', onError: {} },
  ],
  on: { '*': { actions: sendTo('lamp', ({ event }) => event) } },
})

function watchHouse() {
  const steps: Step[] = []
  const said: Messages[] = []
  const { look, until } = createLookout()
  const observer = observeMachines(
    step => {
      steps.push(step)
      look()
    },
    messages => {
      said.push(messages)
      look()
    },
  )
  const house = createActor(parent)
  house.system.inspect(observer.see)
  return { house, steps, said, until, observer }
}

test('Steps that follow each other closely are merged into the last, with the transitions of all.', async t => {
  const { house, steps, said, until, observer } = watchHouse()
  house.start()
  for (let flips = 0; flips < 5; flips += 1) house.send({ type: 'flip' })
  await until(() => steps.some(({ actor }) => actor.name === 'lamp') && said.length > 0)
  observer.close()
  const lamp = steps.filter(({ actor }) => actor.name === 'lamp')
  t.is(lamp.length, 1)
  const [{ actor, event, from, transitions, merged }] = lamp as [Step]
  t.deepEqual([actor.machine, actor.state, actor.status, event], ['switch', 'on', 'active', 'flip'])
  t.is(from, house.sessionId)
  t.is(actor.parent, house.sessionId)
  t.is(merged, 6)
  t.deepEqual(
    transitions.slice(0, 2).map(({ edge, source, targets, guard }) => [edge, source, targets, guard]),
    [
      ['switch.off|flip|0', 'switch.off', ['switch.on'], 'isReady'],
      ['switch.on|flip|0', 'switch.on', ['switch.off'], null],
    ],
  )
  const flips = said.flatMap(({ messages }) => messages).filter(message => message.event === 'flip')
  t.deepEqual(
    flips.map(({ from, to, count }) => [from, to, count]),
    [
      [null, house.sessionId, 5],
      [house.sessionId, actor.id, 5],
    ],
  )
})

test('What leads nowhere is told once, however often it happens, and a context that is not named is not told.', async t => {
  const { house, steps, until, observer } = watchHouse()
  house.start()
  house.send({ type: 'flip' })
  for (let count = 0; count < 100; count += 1) house.send({ type: 'count' })
  await until(() => steps.some(({ actor }) => actor.name === 'lamp'))
  observer.close()
  const [{ transitions, actor }] = steps.filter(({ actor }) => actor.name === 'lamp') as [Step]
  t.deepEqual(
    transitions.map(({ event, targets }) => [event, targets]),
    [
      ['flip', ['switch.on']],
      ['count', []],
    ],
  )
  t.deepEqual(actor.context, {})
})

test('Of too many transitions what led somewhere is kept longest, and of that the latest.', async t => {
  const { house, steps, until, observer } = watchHouse()
  house.start()
  house.send({ type: 'flip' })
  house.send({ type: 'count' })
  for (let flips = 0; flips < 20; flips += 1) house.send({ type: 'flip' })
  await until(() => steps.some(({ actor }) => actor.name === 'lamp'))
  observer.close()
  const [{ transitions }] = steps.filter(({ actor }) => actor.name === 'lamp') as [Step]
  t.is(transitions.length, 12)
  t.true(transitions.every(({ event, targets }) => event === 'flip' && targets.length === 1))
  t.deepEqual(transitions.at(-1)?.targets, ['switch.on'])
})

test('An actor that fails is told of, with its words and without the path in them.', async t => {
  const { house, steps, until, observer } = watchHouse()
  house.start()
  await until(() => steps.some(({ actor }) => actor.status === 'error'))
  observer.close()
  const { actor } = steps.find(({ actor }) => actor.status === 'error')!
  t.is(actor.name, 'fuse')
  t.is(actor.error, 'no file (a path) here')
})
