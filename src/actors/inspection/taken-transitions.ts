// The transitions an actor took since its last reported step: bounded, and chosen so that the state changes survive longest.

import type { AnyTransitionDefinition } from 'xstate'
import { idOfTaken } from '../../machines/transition-id.ts'
import { guardName } from '../../machines/xstate-internals.ts'
import type { TakenTransition } from '../../wire/inspected-actor.ts'
import { inspectionBounds } from '../../wire/inspection-bounds.ts'

const changesState = ({ target }: AnyTransitionDefinition) => target !== undefined

export class TakenTransitions {
  readonly #taken: AnyTransitionDefinition[] = []

  /** A transition that changes no state is kept once, at its latest. Of too many, those go first, then the oldest. */
  add(taken: AnyTransitionDefinition): void {
    const before = changesState(taken) ? -1 : this.#taken.indexOf(taken)
    if (before >= 0) this.#taken.splice(before, 1)
    this.#taken.push(taken)
    if (this.#taken.length <= inspectionBounds.transitionsPerStep) return
    const idle = this.#taken.findIndex(each => !changesState(each))
    this.#taken.splice(Math.max(0, idle), 1)
  }

  get changedState(): boolean {
    return this.#taken.some(changesState)
  }

  /** As the wire has them, in the order in which they were taken. */
  describe(): TakenTransition[] {
    return this.#taken.map(taken => ({
      edge: idOfTaken(taken).slice(0, 300),
      source: taken.source.id.slice(0, 200),
      targets: (taken.target ?? []).slice(0, 8).map(({ id }) => id.slice(0, 200)),
      event: taken.eventType.slice(0, 200),
      guard: guardName(taken.guard)?.slice(0, 100) ?? null,
    }))
  }
}
