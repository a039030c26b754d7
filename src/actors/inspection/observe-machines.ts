// Turns what XState tells of a system of actors into steps and messages. Steps of one actor that follow each other closely
// are merged into the last, with the transitions of all; the same message many times is one entry. It costs the
// observed a look at a map per event, and holds one step for each actor that has just moved, no more.

import type { ActorRefLike, AnyActorRef, AnyTransitionDefinition, InspectionEvent } from 'xstate'
import { inspection } from '../../../config/tunables.ts'
import { guardName, idOfTaken } from '../../machines/transition-id.ts'
import {
  type InspectedActor,
  type InspectedMessages,
  type InspectedStep,
  inspectionBounds,
  type TakenTransition,
} from '../../wire/inspection.ts'
import { describeActor, errorText, idOf } from './describe-actor.ts'

export type Step = Pick<InspectedStep, 'actor' | 'event' | 'from' | 'transitions' | 'merged'>
export type Messages = Pick<InspectedMessages, 'messages' | 'omitted'>

interface Pending {
  readonly actor: AnyActorRef
  event: string
  from: string | null
  transitions: AnyTransitionDefinition[]
  merged: number
  hasMoved: boolean
  error: string | null
}

/** XState's own: they carry no news. */
const isInternal = (type: string) =>
  type === 'xstate.init' || type === 'xstate.stop' || type.startsWith('xstate.promise.')

const textOf = (type: string) => type.slice(0, 200)

/** Within bounds: what changed a state is kept longest, and the latest longer than what came before. */
function keepTelling(transitions: AnyTransitionDefinition[]): void {
  while (transitions.length > inspectionBounds.transitionsPerStep) {
    const idle = transitions.findIndex(({ target }) => target === undefined)
    transitions.splice(Math.max(0, idle), 1)
  }
}

const takenOf = (taken: AnyTransitionDefinition): TakenTransition => ({
  edge: idOfTaken(taken).slice(0, 300),
  source: taken.source.id.slice(0, 200),
  targets: (taken.target ?? []).slice(0, 8).map(({ id }) => id.slice(0, 200)),
  event: textOf(taken.eventType),
  guard: guardName(taken.guard)?.slice(0, 100) ?? null,
})

interface MachineObserver {
  /** For `actor.system.inspect`. */
  see(event: InspectionEvent): void
  close(): void
}

export function observeMachines(
  tellStep: (step: Step) => void,
  tellMessages: (messages: Messages) => void,
  now: () => number = () => performance.now(),
): MachineObserver {
  const pending = new Map<ActorRefLike, Pending>()
  /** When each actor was told of last. */
  const toldAt = new WeakMap<ActorRefLike, number>()
  const senders = new WeakMap<ActorRefLike, string | null>()
  const messages = new Map<string, InspectedMessages['messages'][number]>()
  let omitted = 0

  const note = (actorRef: ActorRefLike, event: string): Pending => {
    let entry = pending.get(actorRef)
    if (!entry) {
      entry = {
        actor: actorRef as AnyActorRef,
        event,
        from: null,
        transitions: [],
        merged: 0,
        hasMoved: false,
        error: null,
      }
      pending.set(actorRef, entry)
    }
    entry.event = event
    return entry
  }

  const noteMessage = (from: string | null, to: string, event: string) => {
    const key = `${from} ${to} ${event}`
    const known = messages.get(key)
    if (known) messages.set(key, { ...known, count: known.count + 1 })
    else if (messages.size < inspectionBounds.messagesPerBatch)
      messages.set(key, { at: Date.now(), from, to, event: textOf(event), count: 1 })
    else omitted += 1
  }

  const see = (event: InspectionEvent) => {
    const { actorRef } = event
    if (event.type === '@xstate.event') {
      const from = event.sourceRef ? idOf(event.sourceRef as AnyActorRef) : null
      senders.set(actorRef, from)
      const { type } = event.event
      if (!isInternal(type)) noteMessage(from, idOf(actorRef as AnyActorRef), type)
      // Of an actor that failed nothing else is told.
      if (event.sourceRef && type.startsWith('xstate.error.actor.')) {
        const failed = note(event.sourceRef, type)
        failed.merged += 1
        failed.hasMoved = true
        failed.error = errorText((event.event as { error?: unknown }).error)
      }
    } else if (event.type === '@xstate.microstep') {
      const { transitions } = note(actorRef, event.event.type)
      transitions.push(...event._transitions)
      keepTelling(transitions)
      if (event._transitions.some(({ target }) => target !== undefined))
        note(actorRef, event.event.type).hasMoved = true
    } else if (event.type === '@xstate.snapshot') {
      const entry = note(actorRef, event.event.type)
      entry.merged += 1
      entry.from = senders.get(actorRef) ?? null
      if (event.event.type === 'xstate.init' || event.snapshot.status !== 'active') entry.hasMoved = true
    }
  }

  const stepOf = ({ actor, event, from, transitions, merged, error }: Pending): Step => {
    const described: InspectedActor = describeActor(actor)
    return {
      actor: error === null ? described : { ...described, status: 'error', error },
      event: textOf(event),
      from,
      transitions: transitions.map(takenOf),
      merged: Math.max(1, merged),
    }
  }

  const tellSteps = () => {
    const at = now()
    const due = [...pending.values()].filter(
      ({ actor, hasMoved }) => hasMoved || at - (toldAt.get(actor) ?? -Infinity) >= inspection.leastQuietGapMs,
    )
    // What moved goes first.
    due.sort((one, other) => Number(other.hasMoved) - Number(one.hasMoved))
    for (const entry of due.slice(0, inspection.mostStepsAtOnce)) {
      pending.delete(entry.actor)
      toldAt.set(entry.actor, at)
      tellStep(stepOf(entry))
    }
  }
  const tellWhatWasSaid = () => {
    if (messages.size === 0) return
    tellMessages({ messages: [...messages.values()], omitted })
    messages.clear()
    omitted = 0
  }
  const timers = [
    setInterval(tellSteps, inspection.leastGapMs),
    setInterval(tellWhatWasSaid, inspection.messagesEveryMs),
  ]
  for (const timer of timers) timer.unref()

  return {
    see,
    close() {
      for (const timer of timers) clearInterval(timer)
      pending.clear()
    },
  }
}
