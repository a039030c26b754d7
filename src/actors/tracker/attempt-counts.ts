// Counts password guesses, sign-ups and guest logins. Soft state: each tracker holds all of it, from what it allowed
// itself and what the others say they allowed (docs/adr/0010).

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
  /** 0: it may be made, and every tracker counts it. Otherwise the wait in ms. */
  begin(attempt: Attempt): number
  /** Takes back an attempt that was begun. */
  giveBack(attempt: Attempt): void
}

export interface AttemptCounts {
  readonly guesses: CountedAttempts
  readonly signUps: CountedAttempts
  /** Connecting as a guest. */
  readonly visits: CountedAttempts
  /** Counts what another tracker says it allowed; skips this tracker's own messages. */
  receive(message: Pick<Msg, 'data'>): void
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
  let loggedAtMs = Number.NEGATIVE_INFINITY
  /** A flood of attempts has to show in the tracker's log without flooding it. */
  const logSlowed = (what: AttemptMessage['what'], attempt: Attempt) => {
    slowed += 1
    if (now() - loggedAtMs < trackerTunables.logSlowedEveryMs) return
    log.warn({ slowed, latest: { what, ...attempt } }, 'too many attempts: some are refused without being checked')
    loggedAtMs = now()
    slowed = 0
  }

  const counted = (what: AttemptMessage['what']): CountedAttempts => ({
    begin(attempt) {
      const waitMs = attempts[what].waitMs(attempt, now())
      if (waitMs > 0) logSlowed(what, attempt)
      else changeEverywhere({ what, how: 'counted', attempt })
      return waitMs
    },
    giveBack: attempt => changeEverywhere({ what, how: 'given-back', attempt }),
  })

  return {
    guesses: counted('guess'),
    signUps: counted('sign-up'),
    visits: counted('visit'),
    receive(message) {
      const said = readJson(message.data, attemptMessageSchema)
      if (said && said.by !== name) change(said)
    },
  }
}
