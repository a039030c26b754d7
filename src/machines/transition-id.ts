// Names a transition of a definition, the same in a running machine and in a drawing of it: the id of the state it is
// written in, its event, and its place among the transitions of that state for that event.

import type { AnyTransitionDefinition } from 'xstate'

export function transitionId({ source, eventType }: AnyTransitionDefinition, index: number): string {
  return `${source.id}|${eventType}|${index}`
}

/** Of a transition that was taken: XState hands out the definition itself. */
export function idOfTaken(taken: AnyTransitionDefinition): string {
  const { source, eventType } = taken
  const siblings = source.transitions.get(eventType) ?? source.always ?? []
  const index = (eventType === '' ? (source.always ?? []) : siblings).indexOf(taken as never)
  return transitionId(taken, Math.max(0, index))
}

/** A guard's name; those written in place have none. */
export function guardName(guard: unknown): string | null {
  if (guard === undefined) return null
  if (typeof guard === 'string') return guard
  if (typeof guard === 'object' && guard !== null && 'type' in guard) return String(guard.type)
  // Made by not(), and() or or(), which XState keeps nowhere but in the function.
  if (typeof guard === 'function' && 'check' in guard) return combined(guard as never)
  return 'if'
}

function combined(guard: { readonly guards?: readonly unknown[]; readonly check: { readonly name: string } }): string {
  const names = (guard.guards ?? []).map(guardName)
  return guard.check.name === 'checkNot'
    ? `not ${names[0]}`
    : names.join(guard.check.name === 'checkOr' ? ' or ' : ' and ')
}
