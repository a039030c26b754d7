// Writes to the log: decides from the projection, appends if the subject's last sequence is still the expected one, and
// answers once this tracker's own projection holds the record. The request's id is in the record: looking for it settles
// any doubt, and a repeated request acts once. Nothing is appended while the brokers have no majority.

import { setTimeout as delay } from 'node:timers/promises'
import { logTunables, trackerTunables } from '../../../config/tracker.ts'
import { formatDuration } from '../../domain/quantities.ts'
import { done, type Outcome, type Refusal, refuse } from '../../domain/refusal.ts'
import { type LogEvent, type LogRecord, logRecordSchema } from '../../wire/log-record.ts'
import { mayYetTakeEffect } from '../../wire/tracker-api.ts'
import type { CatchUp } from './catch-up.ts'
import type { Quorum } from './quorum.ts'
import type { HasInterest } from './reply-interest.ts'
import type { TrackerParts } from './tracker-parts.ts'

export interface Proposal {
  readonly id: string
  /** Absent for a sign-up, and for what trackers finish by themselves. */
  readonly by?: LogRecord['by']
  /** The aggregate's subject. */
  readonly subject: string
  readonly hasInterest: HasInterest
  /** Decides from the projection as it is when called; `at` is ms since 1970. */
  decide(at: number): Outcome<readonly LogEvent[]>
}

interface Attempt {
  readonly record: LogRecord
  /** The subject's last sequence; once that has changed, this attempt can never take effect. */
  readonly expected: number
  inDoubt: boolean
}

const noQuorum = (attempt: Attempt | undefined): Refusal =>
  refuse(
    'no-quorum',
    attempt?.inDoubt
      ? mayYetTakeEffect
      : 'too few brokers answer to record this; nothing was changed, so try again in a moment',
  )

/** Events that end something are always allowed: people over their limit can still stop sharing, leave, remove and log out. */
const endings: ReadonlySet<LogEvent['type']> = new Set([
  'device.logged-out',
  'account.deleted',
  'join.rejected',
  'member.left',
  'member.removed',
  'sharer.removed',
  'share.ended',
  'group.ended',
])

const tooMuch = (waitMs: number) =>
  refuse('too-many', `you have made many changes lately; try again in ${formatDuration(Math.ceil(waitMs / 1000))}`)

type Parts = Pick<TrackerParts, 'eventLog' | 'projection' | 'progress' | 'writing' | 'log'>

/** Undefined when the client no longer waits for the answer; then nothing is appended. */
export type Commit = (proposal: Proposal) => Promise<Outcome<null> | undefined>

export function createCommit(
  { eventLog, projection, progress, writing, log: operatorLog }: Parts,
  quorum: Quorum,
  catchUp: CatchUp,
): Commit {
  let loggedAtMs = Number.NEGATIVE_INFINITY
  /** The decision, or a refusal if it would add more to the log than its writer may add now. */
  const withinAllowance = (decided: Outcome<readonly LogEvent[]>, by: LogRecord['by'], at: number): typeof decided => {
    if (!decided.ok || !by || by === 'operator') return decided
    if (decided.value.length === 0 || decided.value.some(({ type }) => endings.has(type))) return decided
    const waitMs = writing.waitMs(by.user, at)
    if (waitMs === 0) return decided
    if (at - loggedAtMs > trackerTunables.logSlowedEveryMs) {
      operatorLog.warn({ latest: { by, waitMs } }, 'writes are refused: at this rate the log would run out of room')
      loggedAtMs = at
    }
    return tooMuch(waitMs)
  }

  return async ({ id, by, subject, hasInterest, decide }) => {
    const giveUpAt = performance.now() + logTunables.quorumDeadlineMs
    let attempt: Attempt | undefined
    let isUpToDate = false

    while (projection.handledAt(id) === undefined) {
      const expected = projection.lastSequence(subject)
      if (attempt?.expected !== expected) {
        const at = Date.now()
        const decided = withinAllowance(decide(at), by, at)
        if (!decided.ok || decided.value.length === 0) {
          // A reason to do nothing has to hold at the log's end.
          if (isUpToDate) return decided.ok ? done(null) : decided
          await catchUp.toEnd()
          isUpToDate = true
          continue
        }
        // Trackers would never find a record that they cannot read: better to fail here.
        const record = logRecordSchema.parse({ id, at, by, events: decided.value })
        attempt = { record, expected, inDoubt: false }
      }
      isUpToDate = false
      if (performance.now() > giveUpAt || !(await quorum.isReachable())) return noQuorum(attempt)
      // Asked after deciding: an asker that was refused meanwhile must not see its request act on a later state.
      if (!(await hasInterest())) return undefined

      const append = await eventLog.append(subject, attempt.record, expected)
      switch (append.kind) {
        case 'appended':
          attempt.inDoubt = true
          await progress.reached(append.seq, giveUpAt - performance.now())
          break
        case 'conflict':
          if (append.atLeast === undefined)
            await Promise.all([catchUp.toEnd(), delay(trackerTunables.appendInFlightMs)])
          else await progress.reached(append.atLeast, trackerTunables.catchUpMs)
          break
        case 'in-doubt':
          attempt.inDoubt = true
          await Promise.all([catchUp.toEnd(), delay(trackerTunables.appendAgainMs)])
          break
        case 'too-large':
          return refuse(
            'usage',
            'this is larger than the brokers accept, and nothing was changed; ask the cluster operator to set max_payload to 1MB',
          )
      }
    }
    return done(null)
  }
}
