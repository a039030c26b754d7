// The attempts that trackers keep count of, guesses, sign-ups and visits of guests: soft state that each of them holds whole, from what it
// allowed itself and what the others say they did. Why shared, and how far that goes: docs/adr/0010.

import type { Msg, NatsConnection } from 'nats'
import type { Logger } from 'pino'
import {
  attemptTunables,
  guessTunables,
  guestTunables,
  signUpTunables,
  trackerTunables,
} from '../../../config/tracker.ts'
import { type Attempt, type AttemptLimits, createAttempts } from '../../domain/attempts.ts'
import { type AttemptMessage, attemptMessageSchema, attemptsSubject } from '../../wire/attempt-message.ts'
import { readJson } from '../../wire/json.ts'

export interface CountedAttempts {
  /** 0 when it may be made, and is counted at every tracker; otherwise how long it has to wait, in ms. */
  begin(attempt: Attempt): number
  /** It was begun, and is not to count. */
  giveBack(attempt: Attempt): void
}

export interface AttemptCounts {
  readonly guesses: CountedAttempts
  readonly signUps: CountedAttempts
  /** Connecting as a guest. */
  readonly visits: CountedAttempts
  /** What another tracker says; our own words are left out. */
  hear(message: Pick<Msg, 'data'>): void
}

interface Needs {
  /** The tracker's. */
  readonly name: string
  readonly log: Logger
}

/** `auth` is a connection to the trackers' own account. */
export function createAttemptCounts(
  { name, log }: Needs,
  auth: Pick<NatsConnection, 'publish'>,
  now: () => number = () => performance.now(),
): AttemptCounts {
  const attemptsWithin = (limits: AttemptLimits) => createAttempts(limits, attemptTunables.rememberedKeys)
  const attempts = {
    guess: attemptsWithin(guessTunables.limits),
    'sign-up': attemptsWithin(signUpTunables.limits),
    visit: attemptsWithin(guestTunables.limits),
  }
  const change = ({ what, how, attempt }: Omit<AttemptMessage, 'by'>) =>
    how === 'counted' ? attempts[what].count(attempt, now()) : attempts[what].giveBack(attempt, now())
  const changeEverywhere = (said: Omit<AttemptMessage, 'by'>) => {
    change(said)
    const message: AttemptMessage = { by: name, ...said }
    auth.publish(attemptsSubject, JSON.stringify(message))
  }

  let slowed = 0
  let saidAtMs = Number.NEGATIVE_INFINITY
  /** A flood of attempts must be seen in the tracker's log, and must not flood it. */
  const tellOperator = (what: AttemptMessage['what'], attempt: Attempt) => {
    slowed += 1
    if (now() - saidAtMs < trackerTunables.logSlowedEveryMs) return
    log.warn({ slowed, latest: { what, ...attempt } }, 'attempts are being turned away unlooked at')
    saidAtMs = now()
    slowed = 0
  }

  const counted = (what: AttemptMessage['what']): CountedAttempts => ({
    begin(attempt) {
      const waitMs = attempts[what].waitMs(attempt, now())
      if (waitMs > 0) tellOperator(what, attempt)
      else changeEverywhere({ what, how: 'counted', attempt })
      return waitMs
    },
    giveBack: attempt => changeEverywhere({ what, how: 'given-back', attempt }),
  })

  return {
    guesses: counted('guess'),
    signUps: counted('sign-up'),
    visits: counted('visit'),
    hear(message) {
      const said = readJson(message.data, attemptMessageSchema)
      if (said && said.by !== name) change(said)
    },
  }
}
