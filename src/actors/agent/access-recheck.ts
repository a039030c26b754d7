// Asks the trackers whether everyone who is being served still may be: a notice may be lost, and a ticket outlives the
// membership it was given for. Asks once at a time; a call during one asks again afterwards.

import { createRerun } from '../../domain/rerun.ts'
import type { Revocation } from '../../domain/revocation.ts'
import type { ServedShare } from '../../wire/tracker-api.ts'
import type { TrackerClient } from '../client/tracker-client.ts'

export interface AccessRecheckNeeds {
  readonly trackers: Pick<TrackerClient, 'ask'>
  /** What this device serves right now, and to whom. */
  served(): ServedShare[]
  /** Called with at least one. */
  onRevoked(revocations: readonly Revocation[]): void
  /** The trackers no longer know this device's login. */
  onLoggedOut(): void
}

/** The returned function asks now. It asks nothing while no peer is served, or after `signal` is aborted. */
export const createAccessRecheck = (
  { trackers, served, onRevoked, onLoggedOut }: AccessRecheckNeeds,
  signal: AbortSignal,
): (() => Promise<void>) =>
  createRerun(async () => {
    const shares = served()
    if (shares.length === 0 || signal.aborted) return
    const answer = await trackers.ask('serving.recheck', { shares })
    if (signal.aborted) return
    if (answer.ok) {
      const { seq, epoch, withdrawn } = answer.value
      if (withdrawn.length > 0) onRevoked(withdrawn.map(each => ({ ...each, seq, ...(epoch ? { epoch } : {}) })))
    } else if (answer.code === 'not-logged-in') onLoggedOut()
  })
