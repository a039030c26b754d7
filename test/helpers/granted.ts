// What must have been granted for a test to go on.

import type { Outcome } from '../../src/domain/refusal.ts'

export function granted<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value
  throw new Error(`refused: ${outcome.code} ${outcome.message}`)
}
