// Lets others watch the machines of this process. Every change of state is handed on as one small step; steps of one
// actor that follow each other closely are merged into the last, and an event that changes no state is none.

import type { ActorRefLike, AnyActorRef, InspectionEvent } from 'xstate'
import { inspection } from '../../config/tunables.ts'

export interface Inspection {
  readonly at: number
  readonly actor: string
  readonly machine: string
  readonly state: unknown
  readonly event: string
}

/** An option for `createActor`. `publish` gets steps and may drop them. */
export function inspectSteps(publish: (step: Inspection) => void): (event: InspectionEvent) => void {
  const last = new WeakMap<ActorRefLike, { state: string; waiting: Inspection | undefined; sentAt: number }>()
  return event => {
    if (event.type !== '@xstate.snapshot' || !('value' in event.snapshot)) return
    const actor = event.actorRef as AnyActorRef
    const state = JSON.stringify(event.snapshot.value)
    const before = last.get(actor) ?? { state: '', waiting: undefined, sentAt: 0 }
    if (before.state === state) return
    before.state = state
    last.set(actor, before)
    const step: Inspection = {
      at: Date.now(),
      actor: pathOf(actor),
      machine: String((actor as { logic?: { id?: string } }).logic?.id ?? actor.id),
      state: JSON.parse(state),
      event: event.event.type,
    }
    if (before.waiting) {
      before.waiting = step
      return
    }
    const waitMs = before.sentAt + inspection.leastGapMs - step.at
    if (waitMs <= 0) {
      before.sentAt = step.at
      publish(step)
      return
    }
    before.waiting = step
    setTimeout(() => {
      before.sentAt = Date.now()
      publish(before.waiting!)
      before.waiting = undefined
    }, waitMs).unref()
  }
}

function pathOf(actor: AnyActorRef): string {
  const parent = actor._parent
  return parent ? `${parent._parent ? `${pathOf(parent)}/` : ''}${actor.id}` : actor.id
}
