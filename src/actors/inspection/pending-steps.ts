// Merges what happens to each actor into one step until the step is due: at once where a state changed, more slowly where
// only the context did. Holds one step for each actor that something happened to, and nothing of any other.

import type { ActorRefLike, AnyActorRef, AnyTransitionDefinition } from 'xstate'
import { inspectionTunables } from '../../../config/inspection.ts'
import type { InspectedStep } from '../../wire/inspected-actor.ts'
import { describeActor, errorText, idOf } from './describe-actor.ts'
import { TakenTransitions } from './taken-transitions.ts'

export type Step = Pick<InspectedStep, 'actor' | 'event' | 'from' | 'transitions' | 'merged'>

interface PendingStep {
  readonly actor: AnyActorRef
  readonly transitions: TakenTransitions
  event: string
  from: ActorRefLike | undefined
  /** 0: the actor was sent something and took no notice, because it had ended. */
  merged: number
  /** Its state changed, or it began or ended. */
  hasMoved: boolean
  error: string | undefined
}

/** As in `inspectionTunables`. */
interface Settings {
  readonly leastQuietGapMs: number
  readonly mostStepsAtOnce: number
}

export class PendingSteps {
  readonly #settings: Settings
  readonly #pending = new Map<ActorRefLike, PendingStep>()
  readonly #reportedAt = new WeakMap<ActorRefLike, number>()

  constructor(settings: Settings = inspectionTunables) {
    this.#settings = settings
  }

  received(actor: ActorRefLike, event: string, from: ActorRefLike | undefined): void {
    this.#of(actor, event).from = from
  }

  failed(actor: ActorRefLike, event: string, error: unknown): void {
    const step = this.#of(actor, event)
    step.merged += 1
    step.hasMoved = true
    step.error = errorText(error)
  }

  transitioned(actor: ActorRefLike, event: string, transitions: readonly AnyTransitionDefinition[]): void {
    const step = this.#of(actor, event)
    for (const taken of transitions) step.transitions.add(taken)
    step.hasMoved ||= step.transitions.changedState
  }

  /** The actor has handled the event. `hasMoved`: it began or ended by it. */
  handled(actor: ActorRefLike, event: string, hasMoved: boolean): void {
    const step = this.#of(actor, event)
    step.merged += 1
    step.hasMoved ||= hasMoved
  }

  /** Removes and returns the steps that are due, those that changed a state first. `now` is in ms, by any steady clock. */
  takeDue(now: number): Step[] {
    const { leastQuietGapMs, mostStepsAtOnce } = this.#settings
    for (const { actor, merged } of this.#pending.values()) if (merged === 0) this.#pending.delete(actor)
    const isDue = ({ actor, hasMoved }: PendingStep) =>
      hasMoved || now - (this.#reportedAt.get(actor) ?? -Infinity) >= leastQuietGapMs
    const due = [...this.#pending.values()]
      .filter(isDue)
      .sort((one, other) => Number(other.hasMoved) - Number(one.hasMoved))
      .slice(0, mostStepsAtOnce)
    for (const { actor } of due) {
      this.#pending.delete(actor)
      this.#reportedAt.set(actor, now)
    }
    return due.map(stepOf)
  }

  clear(): void {
    this.#pending.clear()
  }

  #of(actor: ActorRefLike, event: string): PendingStep {
    let step = this.#pending.get(actor)
    if (!step) {
      step = {
        actor: actor as AnyActorRef,
        transitions: new TakenTransitions(),
        event,
        from: undefined,
        merged: 0,
        hasMoved: false,
        error: undefined,
      }
      this.#pending.set(actor, step)
    }
    step.event = event
    return step
  }
}

function stepOf({ actor, event, from, transitions, merged, error }: PendingStep): Step {
  const described = describeActor(actor)
  return {
    actor: error === undefined ? described : { ...described, status: 'error', error },
    event: event.slice(0, 200),
    from: from ? idOf(from) : null,
    transitions: transitions.describe(),
    merged,
  }
}
