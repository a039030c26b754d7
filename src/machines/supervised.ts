// The one way in which a machine supervises a child: a child that fails is reported, started again after a back-off of its
// own, and forgiven once it has run steadily. No failing child takes another with it.
//
// A machine that uses this has, in its `setup`: an actor named like the child; the delays of `restartDelays` and `steady`;
// the actions `countFailure`, `forgetFailures` and `reportFailure`; and in its context the failures by child.

import type { AnyActorRef, EventObject } from 'xstate'
import { type BackOff, backOffMs } from '../domain/back-off.ts'

/** How often each failed in a row, without having run steadily in between. */
export type Failures<Child extends string> = Readonly<Record<Child, number>>

/** The delay after which a child is started again: `untilHeartbeat`. */
type Until<Child extends string> = `until${Capitalize<Child>}`

const untilName = <Child extends string>(child: Child) =>
  `until${child[0]!.toUpperCase()}${child.slice(1)}` as Until<Child>

export const noFailures = <const Child extends string>(children: readonly Child[]): Failures<Child> =>
  Object.fromEntries(children.map(child => [child, 0])) as Record<Child, number>

export const withFailure = <Child extends string>(
  failures: Failures<Child>,
  child: NoInfer<Child>,
): Failures<Child> => ({
  ...failures,
  [child]: failures[child] + 1,
})

export const withoutFailures = <Child extends string>(
  failures: Failures<Child>,
  child: NoInfer<Child>,
): Failures<Child> => ({
  ...failures,
  [child]: 0,
})

interface WithFailures<Child extends string> {
  readonly context: { readonly failures: Failures<Child> }
}

/** One delay a child, by its own failures. */
export const restartDelays = <const Child extends string>(backOff: BackOff, children: readonly Child[]) =>
  Object.fromEntries(
    children.map(child => [
      untilName(child),
      ({ context }: WithFailures<Child>) => backOffMs(backOff, context.failures[child]),
    ]),
  ) as Record<Until<Child>, ({ context }: WithFailures<Child>) => number>

/** Counts and reports a failure: for a supervised child, and for a step that its machine tries again by itself. */
export const failed = <const Child extends string>(child: Child) => {
  const params = ({ event }: { readonly event: { readonly error: unknown } }) => ({ child, error: event.error })
  return [
    { type: 'countFailure', params },
    { type: 'reportFailure', params },
  ] as const
}

/** Invokes the child in a state whose sibling is `restarting`. */
export const invokeSupervised = <const Child extends string>(child: Child) =>
  ({ src: child, id: child, onError: { target: 'restarting', actions: failed(child) } }) as const

/** Of the state that invokes the child: forgives it once it has run steadily. */
export const forgiving = <const Child extends string>(child: Child) =>
  ({ steady: { actions: { type: 'forgetFailures', params: { child } } } }) as const

/** Of `restarting`. */
export const restartAfter = <const Child extends string>(child: Child) =>
  ({ [untilName(child)]: 'running' }) as Record<Until<Child>, 'running'>

/** A complete state for a simple child. Other children combine the parts above. */
export const supervised = <const Child extends string>(child: Child) =>
  ({
    initial: 'running',
    states: {
      running: { invoke: invokeSupervised(child), after: forgiving(child) },
      restarting: { after: restartAfter(child) },
    },
  }) as const

/** An action that sends to a supervised child. What is sent while the child is being started again is dropped. */
export const tellChild =
  <Event extends EventObject>(child: string) =>
  ({ self }: { readonly self: AnyActorRef }, event: Event): void =>
    self.getSnapshot().children[child]?.send(event)
