// Everything this project relies on in XState beyond its documented API. xstate-internals.test.ts pins each fact, so an
// upgrade that changes one fails there. The adapter only reads: it changes no actor and no definition.

import {
  type Actor,
  type AnyActorLogic,
  type AnyActorRef,
  type AnyStateMachine,
  type AnyTransitionDefinition,
  type InspectedMicrostepEvent,
  type InspectionEvent,
  StateMachine,
  type Subscription,
} from 'xstate'

/** The machine that an actor runs; undefined for a promise, a callback and the like. */
export function machineOf(actor: AnyActorRef): AnyStateMachine | undefined {
  const { logic } = actor as Actor<AnyActorLogic>
  return logic instanceof StateMachine ? logic : undefined
}

/** Undefined for the root of a system. */
export const parentOf = (actor: AnyActorRef): AnyActorRef | undefined => actor._parent

/** The children an actor has now. Those that are done are among them until they are stopped. */
export function childrenOf(actor: AnyActorRef): AnyActorRef[] {
  const { children = {} } = actor.getSnapshot() as { readonly children?: Record<string, AnyActorRef | undefined> }
  return Object.values(children).filter(child => child !== undefined)
}

/** The name of what an actor or an invoke runs, as `setup` has it; undefined for logic that was written in place. */
export const sourceName = ({ src }: { readonly src: unknown }): string | undefined =>
  typeof src === 'string' && !src.startsWith('xstate.') ? src : undefined

/** An invoke without an id is called by its place in the definition: "0.tracker.connecting". */
export const isGeneratedId = (id: string): boolean => /^\d+\./.test(id)

/** An action's name; undefined for one written in place, and for XState's own, such as `assign`. */
export function actionName(action: unknown): string | undefined {
  const type = typeof action === 'string' ? action : (action as { readonly type?: unknown } | null)?.type
  return typeof type === 'string' && !type.startsWith('xstate.') ? type : undefined
}

/** A guard's name, "not NAME", "A and B" or "A or B"; "if" for one written in place, null where there is none. */
export function guardName(guard: unknown): string | null {
  if (guard === undefined) return null
  if (typeof guard === 'string') return guard
  if (typeof guard === 'object' && guard !== null && 'type' in guard) return String(guard.type)
  if (typeof guard === 'function' && 'check' in guard) return combinedName(guard as never)
  return 'if'
}

/** XState says which of not(), and() and or() made a guard only by the name of a function. */
function combinedName(guard: {
  readonly guards?: readonly unknown[]
  readonly check: { readonly name: string }
}): string {
  const names = (guard.guards ?? []).map(guardName)
  if (guard.check.name === 'checkNot') return `not ${names[0]}`
  return names.join(guard.check.name === 'checkOr' ? ' or ' : ' and ')
}

type EventMeaning =
  | { readonly kind: 'always' }
  | { readonly kind: 'after'; readonly delay: string }
  /** `actor`: a child's id, or `*` for any. */
  | { readonly kind: 'actor done' | 'actor failed'; readonly actor: string }
  | { readonly kind: 'state done' }

/** What an event type of XState's own stands for; undefined for one of ours. */
export function eventMeaning(type: string): EventMeaning | undefined {
  if (type === '') return { kind: 'always' }
  const delay = /^xstate\.after\.([^.]+)\./.exec(type)?.[1]
  if (delay !== undefined) return { kind: 'after', delay }
  const [, end, actor] = /^xstate\.(done|error)\.actor\.(.+)$/.exec(type) ?? []
  if (actor !== undefined) return { kind: end === 'done' ? 'actor done' : 'actor failed', actor }
  return type.startsWith('xstate.done.state.') ? { kind: 'state done' } : undefined
}

/** The first event of every actor. */
export const isStart = (type: string): boolean => type === 'xstate.init'

/** XState's own bookkeeping, which says nothing about what an actor does. */
export const isBookkeeping = (type: string): boolean => isStart(type) || type.startsWith('xstate.promise.')

/** Calls `observer` for every actor of the root's system, also for actors that started before. */
export const inspectSystem = (root: AnyActorRef, observer: (event: InspectionEvent) => void): Subscription =>
  root.system.inspect(observer)

/** The transitions of one microstep. Each is the very object in the machine's definition. */
export const takenTransitions = (event: InspectedMicrostepEvent): readonly AnyTransitionDefinition[] =>
  event._transitions

/** Why an actor failed, as its parent is told; no other inspection event says it. Undefined for any other event. */
export const failureIn = (event: {
  readonly type: string
  readonly error?: unknown
}): { readonly error: unknown } | undefined =>
  eventMeaning(event.type)?.kind === 'actor failed' ? { error: event.error } : undefined
