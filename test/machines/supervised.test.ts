// One supervised child in a machine of its own.

import test from 'ava'
import { assign, createActor, type EventObject, fromCallback, SimulatedClock, setup } from 'xstate'
import { backOffMs } from '../../src/domain/back-off.ts'
import {
  type Failures,
  noFailures,
  restartDelays,
  supervised,
  tellChild,
  withFailure,
  withoutFailures,
} from '../../src/machines/supervised.ts'

const backOff = { firstMs: 100, mostMs: 400 }
const steadyAfterMs = 10_000
const names = ['lamp'] as const
const broken = new Error('the bulb broke')

/** A lamp that breaks while `isBroken`, as it starts or when it is told to. */
function startMachine() {
  const lampState = { isBroken: false, started: 0 }
  const heard: string[] = []
  const reported: unknown[] = []
  const lamp = fromCallback<EventObject>(({ receive }) => {
    lampState.started += 1
    if (lampState.isBroken) throw broken
    receive(event => heard.push(event.type))
  })
  const machine = setup({
    types: {
      context: {} as { readonly failures: Failures<'lamp'> },
      events: {} as { readonly type: 'light' | 'replace' },
    },
    actors: { lamp },
    delays: { ...restartDelays(backOff, names), steady: steadyAfterMs },
    actions: {
      countFailure: assign({
        failures: ({ context }, { child }: { child: 'lamp'; error: unknown }) => withFailure(context.failures, child),
      }),
      forgetFailures: assign({
        failures: ({ context }, { child }: { child: 'lamp' }) => withoutFailures(context.failures, child),
      }),
      reportFailure: (_, failure: { child: 'lamp'; error: unknown }) => reported.push(failure),
      tellLamp: tellChild('lamp'),
    },
  }).createMachine({
    context: { failures: noFailures(names) },
    type: 'parallel',
    states: { lamp: supervised('lamp') },
    on: {
      light: { actions: { type: 'tellLamp', params: ({ event }) => event } },
      replace: { target: '.lamp', reenter: true },
    },
  })
  const clock = new SimulatedClock()
  const actor = createActor(machine, { clock }).start()
  return { lampState, heard, reported, clock, actor, failures: () => actor.getSnapshot().context.failures.lamp }
}

/** Starts the lamp again, broken, without involving the machine. */
function breakLamp({ lampState, actor }: ReturnType<typeof startMachine>) {
  lampState.isBroken = true
  actor.send({ type: 'replace' })
}

test('A child that fails is reported, and started again after a back-off that doubles up to its maximum.', t => {
  const machine = startMachine()
  breakLamp(machine)
  const { lampState, reported, clock, actor, failures } = machine
  t.deepEqual(reported, [{ child: 'lamp', error: broken }])
  for (const failed of [1, 2, 3, 4]) {
    t.is(failures(), failed)
    t.deepEqual(actor.getSnapshot().value, { lamp: 'restarting' })
    const { started } = lampState
    clock.increment(backOffMs(backOff, failed) - 1)
    t.is(lampState.started, started, 'not before its time')
    clock.increment(1)
    t.is(lampState.started, started + 1)
  }
  lampState.isBroken = false
  clock.increment(backOff.mostMs)
  t.deepEqual(actor.getSnapshot().value, { lamp: 'running' })
  t.is(reported.length, 5)
})

test('A child’s failures are forgotten once it has run steadily, and not sooner.', t => {
  const machine = startMachine()
  breakLamp(machine)
  machine.lampState.isBroken = false
  machine.clock.increment(backOff.firstMs)
  machine.clock.increment(steadyAfterMs - 1)
  t.is(machine.failures(), 1)
  machine.clock.increment(1)
  t.is(machine.failures(), 0)
})

test('Events reach a child while it runs, and are dropped while it is being started again.', t => {
  const machine = startMachine()
  const { actor, heard, clock, lampState } = machine
  actor.send({ type: 'light' })
  t.deepEqual(heard, ['light'])
  breakLamp(machine)
  actor.send({ type: 'light' })
  lampState.isBroken = false
  clock.increment(backOff.firstMs)
  t.deepEqual(heard, ['light'])
  actor.send({ type: 'light' })
  t.deepEqual(heard, ['light', 'light'])
})

test('Each child has failures and a delay of its own.', t => {
  const failures = withFailure(withFailure(noFailures(['lamp', 'alarmClock']), 'lamp'), 'lamp')
  t.deepEqual(failures, { lamp: 2, alarmClock: 0 })
  const delays = restartDelays(backOff, ['lamp', 'alarmClock'])
  t.deepEqual(Object.keys(delays), ['untilLamp', 'untilAlarmClock'])
  t.is(delays.untilLamp({ context: { failures } }), 200)
  t.is(delays.untilAlarmClock({ context: { failures: withFailure(failures, 'alarmClock') } }), 100)
  t.deepEqual(withoutFailures(failures, 'lamp'), { lamp: 0, alarmClock: 0 })
})
