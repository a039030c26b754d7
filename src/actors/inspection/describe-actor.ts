// One actor as watchers see it: its state, and the summary of its context (context-summary.ts).

import type { AnyActorRef, Snapshot } from 'xstate'
import { showable } from '../../domain/names.ts'
import { childrenOf, isGeneratedId, machineOf, parentOf, sourceName } from '../../machines/xstate-internals.ts'
import type { InspectedActor } from '../../wire/inspected-actor.ts'
import { contextSummary } from './context-summary.ts'

/** An error's message without the paths in it, at most 300 characters. */
export const errorText = (error: unknown): string =>
  showable(error instanceof Error ? error.message : String(error))
    .replaceAll(/(?:\/[^\s/:'"]+){2,}/g, '(a path)')
    .slice(0, 300)

export const idOf = (actor: { readonly sessionId: string }): string => actor.sessionId.slice(0, 40)

/** A root is named after its machine, and an actor without its own id after its logic. */
function nameOf(actor: AnyActorRef, machine: string | null): string {
  if (!parentOf(actor)) return machine ?? actor.id
  return isGeneratedId(actor.id) ? (sourceName(actor) ?? actor.id) : actor.id
}

type ActorSnapshot = Snapshot<unknown> & { readonly value?: InspectedActor['state']; readonly context?: unknown }

export function describeActor(actor: AnyActorRef): InspectedActor {
  const machine = machineOf(actor)?.id.slice(0, 100) ?? null
  const parent = parentOf(actor)
  const { status, value, context, error } = actor.getSnapshot() as ActorSnapshot
  return {
    id: idOf(actor),
    parent: parent ? idOf(parent) : null,
    name: nameOf(actor, machine).slice(0, 200),
    // XState does not tell a callback from a promise.
    kind: machine === null ? 'other' : 'machine',
    machine,
    status,
    state: machine === null ? null : (value ?? null),
    context: machine === null ? {} : contextSummary(machine, context),
    error: error === undefined ? null : errorText(error),
    at: Date.now(),
  }
}

/** An actor and all its descendants, parents first. */
export const familyOf = (actor: AnyActorRef): AnyActorRef[] => [actor, ...childrenOf(actor).flatMap(familyOf)]
