// How a step of a download's store ends the run: whatever it throws becomes one refusal.

import { showable } from '../../domain/names.ts'
import { type Outcome, type Refusal, refuse } from '../../domain/refusal.ts'
import { storageRefusal } from '../../storage/storage-refusal.ts'

/** An expected refusal, on its way out of a step. */
export class StoreRefused extends Error {
  override readonly name = 'StoreRefused'
  readonly refusal: Refusal
  constructor(refusal: Refusal) {
    super(refusal.message)
    this.refusal = refusal
  }
}

/** The value; throws StoreRefused when there is none. */
export function insist<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new StoreRefused(outcome)
  return outcome.value
}

/** `path` is the download's destination. */
export function storeRefusalOf(error: unknown, path: string): Refusal {
  if (error instanceof StoreRefused) return error.refusal
  const { code, message } = error as NodeJS.ErrnoException
  if (code !== undefined) return storageRefusal(error, path)
  return refuse('destination-unwritable', `the agent failed: ${showable(message)}; see its log`)
}
