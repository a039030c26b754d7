import test from 'ava'
import { createActor, setup } from 'xstate'
import { PendingSteps } from '../../../src/actors/inspection/pending-steps.ts'

const lamp = setup({}).createMachine({
  id: 'lamp',
  initial: 'dark',
  states: { dark: { on: { flip: 'lit' } }, lit: { on: { flip: 'dark', dim: {} } } },
})
const [toLit] = lamp.states.dark!.transitions.get('flip')!
const [dimmed] = lamp.states.lit!.transitions.get('dim')!
const settings = { leastQuietGapMs: 600, mostStepsAtOnce: 2 }

test('A step that changed a state is due at once; one that did not waits for the quiet gap.', t => {
  const steps = new PendingSteps(settings)
  const actor = createActor(lamp)
  steps.transitioned(actor, 'flip', [toLit!])
  steps.handled(actor, 'flip', false)
  t.is(steps.takeDue(1_000).length, 1)

  const dim = () => {
    steps.transitioned(actor, 'dim', [dimmed!])
    steps.handled(actor, 'dim', false)
  }
  dim()
  t.deepEqual(steps.takeDue(1_599), [])
  dim()
  const [step] = steps.takeDue(1_600)
  t.deepEqual([step?.event, step?.merged, step?.transitions.length], ['dim', 2, 1])
  t.deepEqual(steps.takeDue(9_999), [])
})

test('Of more steps than are sent at once, those that changed a state go first and the others later.', t => {
  const steps = new PendingSteps(settings)
  const [quiet, one, other] = [createActor(lamp), createActor(lamp), createActor(lamp)]
  steps.handled(quiet, 'dim', false)
  steps.handled(one, 'flip', true)
  steps.handled(other, 'flip', true)
  const ids = (now: number) => steps.takeDue(now).map(({ actor }) => actor.id)
  t.deepEqual(ids(0), [one.sessionId, other.sessionId])
  t.deepEqual(ids(0), [quiet.sessionId])
})

test('An event that an ended actor did not handle does not count as a step.', t => {
  const steps = new PendingSteps(settings)
  const actor = createActor(lamp)
  steps.received(actor, 'flip', undefined)
  t.deepEqual(steps.takeDue(0), [])
  steps.handled(actor, 'flip', false)
  steps.clear()
  t.deepEqual(steps.takeDue(0), [])
})

test('A step names the sender of its last event, and a failure its reason.', t => {
  const steps = new PendingSteps(settings)
  const [actor, sender] = [createActor(lamp), createActor(lamp)]
  steps.received(actor, 'flip', sender)
  steps.failed(actor, 'xstate.error.actor.lamp', new Error('no bulb'))
  t.like(steps.takeDue(0)[0], { from: sender.sessionId, merged: 1, actor: { status: 'error', error: 'no bulb' } })
})
