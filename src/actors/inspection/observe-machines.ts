// FairQueue what XState tells of a system of actors into steps and messages. Steps of one actor that follow each other closely
// are merged into the last, with the transitions of all; the same message many times is one entry. It costs the
// observed a look at a map per event, and holds one step for each actor that has just moved, no more.

import type { ActorRefLike, AnyActorRef, AnyTransitionDefinition, InspectionEvent } from 'xstate'
import { inspectionTunables } from '../../../config/inspection.ts'
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
  from: ActorRefLike | undefined
  transitions: AnyTransitionDefinition[]
  merged: number
  hasMoved: boolean
  error: string | null
}

/** XState's own: they carry no news. */
const isInternal = (type: string) =>
  type === 'xstate.init' || type === 'xstate.stop' || type.startsWith('xstate.promise.')

type Message = InspectedMessages['messages'][number]

const nameOf = (actor: ActorRefLike | undefined) => (actor === undefined ? null : idOf(actor))

const textOf = (type: string) => type.slice(0, 200)

/**
 * Within bounds: what changed a state is kept longest, and the latest longer than what came before. What changed none, and
 * happens over and over, is there once.
 */
function keepTelling(transitions: AnyTransitionDefinition[], taken: AnyTransitionDefinition): void {
  const before = taken.target === undefined ? transitions.indexOf(taken) : -1
  if (before >= 0) transitions.splice(before, 1)
  transitions.push(taken)
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
  let messages: Message[] = []
  /** The same by who heard it, who said it, and what: looked up for every event of every actor. */
  const known = new Map<ActorRefLike, Map<ActorRefLike | undefined, Map<string, Message>>>()
  let omitted = 0

  const note = (actorRef: ActorRefLike, event: string): Pending => {
    let entry = pending.get(actorRef)
    if (!entry) {
      entry = {
        actor: actorRef as AnyActorRef,
        event,
        from: undefined,
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

  const noteMessage = (from: ActorRefLike | undefined, to: ActorRefLike, event: string) => {
    const before = known.get(to)?.get(from)?.get(event)
    if (before) before.count += 1
    else if (messages.length === inspectionBounds.messagesPerBatch) omitted += 1
    else {
      const message = { at: Date.now(), from: nameOf(from), to: idOf(to), event: textOf(event), count: 1 }
      messages.push(message)
      const heard = known.get(to) ?? new Map<ActorRefLike | undefined, Map<string, Message>>()
      const said = heard.get(from) ?? new Map<string, Message>()
      known.set(to, heard.set(from, said.set(event, message)))
    }
  }

  const see = (event: InspectionEvent) => {
    const { actorRef } = event
    if (event.type === '@xstate.event') {
      const { type } = event.event
      note(actorRef, type).from = event.sourceRef
      if (!isInternal(type)) noteMessage(event.sourceRef, actorRef, type)
      // Of an actor that failed nothing else is told.
      if (event.sourceRef && type.startsWith('xstate.error.actor.')) {
        const failed = note(event.sourceRef, type)
        failed.merged += 1
        failed.hasMoved = true
        failed.error = errorText((event.event as { error?: unknown }).error)
      }
    } else if (event.type === '@xstate.microstep') {
      const { transitions } = note(actorRef, event.event.type)
      for (const taken of event._transitions) keepTelling(transitions, taken)
      if (event._transitions.some(({ target }) => target !== undefined))
        note(actorRef, event.event.type).hasMoved = true
    } else if (event.type === '@xstate.snapshot') {
      const entry = note(actorRef, event.event.type)
      entry.merged += 1
      if (event.event.type === 'xstate.init' || event.snapshot.status !== 'active') entry.hasMoved = true
    }
  }

  const stepOf = ({ actor, event, from, transitions, merged, error }: Pending): Step => {
    const described: InspectedActor = describeActor(actor)
    return {
      actor: error === null ? described : { ...described, status: 'error', error },
      event: textOf(event),
      from: nameOf(from),
      transitions: transitions.map(takenOf),
      merged: Math.max(1, merged),
    }
  }

  const tellSteps = () => {
    const at = now()
    // Sent to somebody who had ended: nothing came of it.
    for (const { actor, merged } of pending.values()) if (merged === 0) pending.delete(actor)
    const due = [...pending.values()].filter(
      ({ actor, hasMoved }) => hasMoved || at - (toldAt.get(actor) ?? -Infinity) >= inspectionTunables.leastQuietGapMs,
    )
    // What moved goes first.
    due.sort((one, other) => Number(other.hasMoved) - Number(one.hasMoved))
    for (const entry of due.slice(0, inspectionTunables.mostStepsAtOnce)) {
      pending.delete(entry.actor)
      toldAt.set(entry.actor, at)
      tellStep(stepOf(entry))
    }
  }
  const tellWhatWasSaid = () => {
    if (messages.length === 0) return
    tellMessages({ messages, omitted })
    messages = []
    known.clear()
    omitted = 0
  }
  const timers = [
    setInterval(tellSteps, inspectionTunables.leastGapMs),
    setInterval(tellWhatWasSaid, inspectionTunables.messagesEveryMs),
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
