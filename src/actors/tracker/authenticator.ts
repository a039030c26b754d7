// The authenticator: answers the brokers' auth callout. It lets in guests, passwords and device credentials, each with
// the permissions of permissions.ts, and nobody else. Whoever is unknown, or known otherwise, is looked for at the
// log's end before being turned away; when that cannot be asked, what is known decides.

import { createHash, timingSafeEqual } from 'node:crypto'
import type { Msg } from 'nats'
import { type BrokerLogin, fromConnect } from '../../wire/broker-login.ts'
import { passwordSchema } from '../../wire/schemas.ts'
import { trackerQueue } from '../../wire/subjects.ts'
import { calloutSubject, createAuthCallout, serverXkeyHeader } from './auth-callout.ts'
import { createCatchUp } from './catch-up.ts'
import { isPassword } from './password.ts'
import { grantFor } from './permissions.ts'
import type { TrackerActor } from './tracker-parts.ts'

function isCredential(credentialHash: string | undefined, credential: string): boolean {
  const given = createHash('sha256').update(credential).digest()
  const kept = Buffer.from(credentialHash ?? '', 'hex')
  return kept.length === given.length && timingSafeEqual(kept, given)
}

export const authenticatorActor: TrackerActor =
  parts =>
  ({ sendBack }) => {
    const { connections, projection, secrets, log } = parts
    const callout = createAuthCallout(secrets)
    const catchUp = createCatchUp(parts)

    async function isGenuine(login: BrokerLogin): Promise<boolean> {
      switch (login.kind) {
        case 'guest':
          return true
        case 'password':
          if (!passwordSchema.safeParse(login.password).success) return false
          if (projection.passwordHash(login.user) === undefined) await catchUp.toEnd()
          return isPassword(projection.passwordHash(login.user), login.password)
        case 'device': {
          const isKnown = () => isCredential(projection.credentialHash(login), login.credential)
          if (isKnown()) return true
          await catchUp.toEnd()
          return isKnown()
        }
      }
    }

    async function answer(message: Msg): Promise<void> {
      const serverXkey = message.headers?.get(serverXkeyHeader) ?? ''
      const question = callout.open(message.data, serverXkey)
      const login = fromConnect(question.user, question.pass)
      const grant = login && (await isGenuine(login)) ? grantFor(login, question.host) : undefined
      message.respond(grant ? callout.grant(question, grant, serverXkey) : callout.deny(question, serverXkey))
    }

    const subscription = connections.auth.subscribe(calloutSubject, {
      queue: trackerQueue,
      callback: (error, message) => {
        if (error) return sendBack({ type: 'part.failed', part: 'authenticator', error })
        answer(message).catch(cause => log.error({ err: cause }, 'a question of the auth callout was not answered'))
      },
    })
    return () => subscription.unsubscribe()
  }
