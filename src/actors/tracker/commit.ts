// Writing to the log: decide from the projection, append on condition that nobody else did, and answer once the own
// projection holds it. A request's id is in its record, so whatever is in doubt is settled by looking for it, and a
// request acts once however often it is made. Nothing is published while the brokers' majority is away.

import { setTimeout as delay } from 'node:timers/promises'
import { logTunables, trackerTunables } from '../../../config/tracker.ts'
import type { DeviceRef } from '../../domain/device-ref.ts'
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
  readonly by?: DeviceRef
  /** The aggregate's subject. */
  readonly subject: string
  readonly hasInterest: HasInterest
  /** Decides from the projection as it is when called; `at` is ms since 1970. */
  decide(at: number): Outcome<readonly LogEvent[]>
}

interface Attempt {
  readonly record: LogRecord
  /** What the subject's last sequence must be; once it is another one, this attempt can never take effect. */
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

/** Events that end something: whoever may not add to the log may still stop, leave, remove and log out. */
const endings: ReadonlySet<LogEvent['type']> = new Set([
  'device.logged-out',
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

/** Undefined when nobody waits for it any more: then nothing is appended, and nothing to be said. */
export type Commit = (proposal: Proposal) => Promise<Outcome<null> | undefined>

export function createCommit(
  { eventLog, projection, progress, writing, log: operatorLog }: Parts,
  majority: Quorum,
  catchUp: CatchUp,
): Commit {
  let toldAtMs = Number.NEGATIVE_INFINITY
  /** What was decided, unless it would add to the log what its writer may not add now. */
  const weighed = (decided: Outcome<readonly LogEvent[]>, by: DeviceRef | undefined, at: number): typeof decided => {
    if (!decided.ok || !by || decided.value.length === 0 || decided.value.some(({ type }) => endings.has(type)))
      return decided
    const waitMs = writing.waitMs(by.user, at)
    if (waitMs === 0) return decided
    if (at - toldAtMs > trackerTunables.logSlowedEveryMs) {
      operatorLog.warn(
        { latest: { by, waitMs } },
        'so much is written that the log would run out of room; it is turned away',
      )
      toldAtMs = at
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
        const decided = weighed(decide(at), by, at)
        if (!decided.ok || decided.value.length === 0) {
          // Only what is so at the log's end is a reason to do nothing.
          if (isUpToDate) return decided.ok ? done(null) : decided
          await catchUp.toEnd()
          isUpToDate = true
          continue
        }
        // A record that trackers could not read would never be found again: better to fail here.
        const record = logRecordSchema.parse({ id, at, by, events: decided.value })
        attempt = { record, expected, inDoubt: false }
      }
      isUpToDate = false
      if (performance.now() > giveUpAt || !(await majority.isReachable())) return noQuorum(attempt)
      // After it was decided, not before: a state that came about since its asker was refused is no reason to act.
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
            'this is larger than the brokers accept, and nothing was changed; whoever runs them has to set max_payload to 1MB',
          )
      }
    }
    return done(null)
  }
}
