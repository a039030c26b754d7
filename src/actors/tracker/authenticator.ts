// The authenticator: answers the brokers' auth callout. It lets in guests, passwords and device credentials, each with
// the permissions of permissions.ts, and nobody else. Whoever is unknown, or known otherwise, is looked for at the
// log's end before being turned away; when that cannot be asked, what is known decides. Passwords are slowed
// (attempt-counts.ts), and looked at only when it is their turn (password-queue.ts); credentials, which nobody guesses, never.

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

/** The target of every guest's visit. */
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

    /** Also those of a rotation that is under way: whoever watches goes on to. */
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
      // Right, or never looked at.
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

    const heard = (take: (message: Msg) => void) => (error: Error | null, message: Msg) =>
      error ? sendBack({ type: 'part.failed', part: 'authenticator', error }) : take(message)
    const ask = createPacedQueue<Msg>(trackerTunables.calloutRequests, message => {
      answer(message).catch(cause => log.error({ err: cause }, 'a question of the auth callout was not answered'))
    })
    const subscriptions = [
      connections.auth.subscribe(calloutSubject, { queue: trackerQueue, callback: heard(ask) }),
      connections.auth.subscribe(attemptsSubject, { callback: heard(attempts.hear) }),
    ]
    return () => {
      for (const subscription of subscriptions) subscription.unsubscribe()
    }
  }
