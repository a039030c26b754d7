// Answers the brokers' auth callout: lets in guests, passwords, device credentials and watchers, each with the permissions
// of permissions.ts. Before it refuses a login it catches up with the log's end; if the brokers do not answer, what this
// tracker knows decides. Passwords are rate-limited (attempt-counts.ts) and queued (password-queue.ts); credentials, which
// cannot be guessed, are not.

import { createHash, timingSafeEqual } from 'node:crypto'
import type { Msg } from 'nats'
import { trackerTunables } from '../../../config/tracker.ts'
import { visualizerTunables } from '../../../config/visualizer.ts'
import { originOf } from '../../domain/origin.ts'
import { attemptsSubject } from '../../wire/attempt-message.ts'
import { type BrokerLogin, fromConnect } from '../../wire/broker-login.ts'
import { passwordSchema } from '../../wire/schemas.ts'
import { trackerQueue } from '../../wire/subjects.ts'
import { deviceTicketKey } from '../../wire/ticket.ts'
import { isWatchProof } from '../../wire/watch-login.ts'
import { calloutSubject, createAuthCallout, serverXkeyHeader } from './auth-callout.ts'
import { createCatchUp } from './catch-up.ts'
import { createPacedQueue } from './paced-queue.ts'
import { isPassword } from './password.ts'
import { grantFor } from './permissions.ts'
import type { TrackerActor } from './tracker-parts.ts'

/** All guests share one target. */
const anyGuest = '.guest'

function isCredential(credentialHash: string | undefined, credential: string): boolean {
  const given = createHash('sha256').update(credential).digest()
  const kept = Buffer.from(credentialHash ?? '', 'hex')
  return kept.length === given.length && timingSafeEqual(kept, given)
}

export const authenticatorActor: TrackerActor =
  parts =>
  ({ sendBack }) => {
    const { connections, projection, secrets, log, online, attempts, hashing } = parts
    const callout = createAuthCallout(secrets)
    const catchUp = createCatchUp(parts)

    /** Includes those of a rotation under way, so that watchers stay connected. */
    const ticketSecrets = [secrets, secrets.next, secrets.retiring].flatMap(set =>
      set ? [Buffer.from(set.ticketSecret, 'base64url')] : [],
    )
    const isProof = (login: Parameters<typeof isWatchProof>[0], keyOf: (ticketSecret: Buffer) => Buffer) =>
      ticketSecrets.some(secret =>
        isWatchProof(
          login,
          keyOf(secret),
          Date.now(),
          visualizerTunables.watchLoginMs + visualizerTunables.clocksApartMs,
        ),
      )

    async function isRight(user: string, password: string, host: string): Promise<boolean> {
      if (!passwordSchema.safeParse(password).success) return false
      const origin = originOf(host)
      const attempt = { origin, target: user, isKnown: online.isAt(user, origin) }
      if (attempts.guesses.begin(attempt) > 0) return false
      if (projection.passwordHash(user) === undefined) await catchUp.toEnd()
      const isRight = await hashing.run(origin, () => isPassword(projection.passwordHash(user), password))
      // It was right, or never checked.
      if (isRight !== false) attempts.guesses.giveBack(attempt)
      return isRight === true
    }

    async function isGenuine(login: BrokerLogin, host: string): Promise<boolean> {
      switch (login.kind) {
        case 'guest':
          return attempts.visits.begin({ origin: originOf(host), target: anyGuest, isKnown: false }) === 0
        case 'password':
          return isRight(login.user, login.password, host)
        case 'device': {
          const isKnown = () => isCredential(projection.credentialHash(login), login.credential)
          return isKnown() || catchUp.toEnd().then(isKnown)
        }
        case 'watch': {
          const isKnown = () => {
            const credentialHash = projection.credentialHash(login)
            return (
              credentialHash !== undefined && isProof(login, secret => deviceTicketKey(secret, login, credentialHash))
            )
          }
          return isKnown() || catchUp.toEnd().then(isKnown)
        }
        case 'operator':
          return isProof(login, secret => secret)
      }
    }

    async function answer(message: Msg): Promise<void> {
      const serverXkey = message.headers?.get(serverXkeyHeader) ?? ''
      const question = callout.open(message.data, serverXkey)
      const login = fromConnect(question.user, question.pass)
      const grant = login && (await isGenuine(login, question.host)) ? grantFor(login, question.host) : undefined
      message.respond(grant ? callout.grant(question, grant, serverXkey) : callout.deny(question, serverXkey))
    }

    const receiving = (take: (message: Msg) => void) => (error: Error | null, message: Msg) =>
      error ? sendBack({ type: 'part.failed', part: 'authenticator', error }) : take(message)
    const enqueue = createPacedQueue<Msg>(trackerTunables.calloutRequests, message => {
      answer(message).catch(cause => log.error({ err: cause }, 'a request of the auth callout was not answered'))
    })
    const subscriptions = [
      connections.auth.subscribe(calloutSubject, { queue: trackerQueue, callback: receiving(enqueue) }),
      connections.auth.subscribe(attemptsSubject, { callback: receiving(attempts.receive) }),
    ]
    return () => {
      for (const subscription of subscriptions) subscription.unsubscribe()
    }
  }
