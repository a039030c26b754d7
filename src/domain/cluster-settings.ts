// What the operator decides for the whole cluster. It is in the log, so all trackers agree on it, restarts keep it and a
// back-up holds it.

import type { Decider } from './decider.ts'
import { done, refuse } from './refusal.ts'

/** Whether people make accounts by themselves; closed: only the operator makes them. */
export type SignUp = 'open' | 'closed'

export interface ClusterSettings {
  readonly signUp: SignUp
}

export interface ClusterCommand {
  readonly type: 'set-sign-up'
  readonly signUp: SignUp
}

export interface ClusterEvent {
  readonly type: 'sign-up.set'
  readonly signUp: SignUp
}

export const signUpClosed = refuse(
  'sign-up-closed',
  'on this cluster the operator makes the accounts; ask them for one',
)

export const clusterSettings: Decider<ClusterSettings, ClusterCommand, ClusterEvent> = {
  initial: { signUp: 'open' },
  decide: ({ signUp }, state) => done(signUp === state.signUp ? [] : [{ type: 'sign-up.set', signUp }]),
  evolve: (_, { signUp }) => ({ signUp }),
}
