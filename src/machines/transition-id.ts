// Names a transition of a definition, the same in a running machine and in a drawing of it: the id of the state it is
// written in, its event, and its place among the transitions of that state for that event.

import type { AnyTransitionDefinition } from 'xstate'

export function transitionId({ source, eventType }: AnyTransitionDefinition, index: number): string {
  return `${source.id}|${eventType}|${index}`
}

/** For a transition that was taken (`takenTransitions`). */
export function idOfTaken(taken: AnyTransitionDefinition): string {
  const { source, eventType } = taken
  const siblings = (eventType === '' ? source.always : source.transitions.get(eventType)) ?? []
  return transitionId(taken, Math.max(0, siblings.indexOf(taken as never)))
}
