// What a command comes to: its value, or why it failed.

import type { Outcome } from '../domain/refusal.ts'

/** `code` is one of the contract (domain/refusal.ts), or one that only the command line knows: `cancelled`, `internal`. */
export interface Failure {
  readonly code: string
  /** One line: what happened, then what to do. */
  readonly message: string
}

export type Result<T> = Outcome<T> | ({ readonly ok: false } & Failure)
