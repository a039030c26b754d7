// The shape of a domain rule (after Jérémie Chassaing's decider): a command is decided from the state of one
// aggregate into events or a refusal; events evolve the state. Both are pure, total and deterministic.

import type { Outcome } from './refusal.ts'

/** `View` is what decisions read of a state; where a state is large, it can be read by keys. */
export interface Decider<State extends View, Command, Event, View = State> {
  readonly initial: State
  /** No events and no refusal means: already so, nothing to record. */
  decide(command: Command, view: View): Outcome<readonly Event[]>
  evolve(state: State, event: Event): State
}
