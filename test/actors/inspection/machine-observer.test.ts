// What is reported of a parent and a child that change their states.

import test from 'ava'
import { assign, createActor, fromPromise, sendTo, setup } from 'xstate'
import { MachineObserver } from '../../../src/actors/inspection/machine-observer.ts'
import type { Messages } from '../../../src/actors/inspection/message-batch.ts'
import type { Step } from '../../../src/actors/inspection/pending-steps.ts'
import { inspectSystem } from '../../../src/machines/xstate-internals.ts'
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
  const batches: Messages[] = []
  const { look, until } = createLookout()
  const observer = new MachineObserver({
    step(step) {
      steps.push(step)
      look()
    },
    messages(messages) {
      batches.push(messages)
      look()
    },
  })
  const house = createActor(parent)
  inspectSystem(house, event => observer.observe(event))
  return { house, steps, batches, until, observer }
}

test('Steps in quick succession are merged into the last one, with the transitions of all.', async t => {
  const { house, steps, batches, until, observer } = watchHouse()
  house.start()
  for (let flips = 0; flips < 5; flips += 1) house.send({ type: 'flip' })
  await until(() => steps.some(({ actor }) => actor.name === 'lamp') && batches.length > 0)
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
  const flips = batches.flatMap(({ messages }) => messages).filter(message => message.event === 'flip')
  t.deepEqual(
    flips.map(({ from, to, count }) => [from, to, count]),
    [
      [null, house.sessionId, 5],
      [house.sessionId, actor.id, 5],
    ],
  )
})

test('A transition that changes no state is reported once, and nothing of a context without a summary is reported.', async t => {
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

test('Of too many transitions, state changes are kept longest, and the latest of those.', async t => {
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

test('A failed actor is reported with its error message, without the path in it.', async t => {
  const { house, steps, until, observer } = watchHouse()
  house.start()
  await until(() => steps.some(({ actor }) => actor.status === 'error'))
  observer.close()
  const { actor } = steps.find(({ actor }) => actor.status === 'error')!
  t.is(actor.name, 'fuse')
  t.is(actor.error, 'no file (a path) here')
})
