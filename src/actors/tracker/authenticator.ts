// Answers the brokers' auth callout: lets in guests, passwords, device credentials and watchers that prove-login.ts finds
// genuine, each with the permissions of permissions.ts.

import type { Msg } from 'nats'
import { trackerTunables } from '../../../config/tracker.ts'
import { originOf } from '../../domain/origin.ts'
import { attemptsSubject } from '../../wire/attempt-message.ts'
import { fromConnect } from '../../wire/broker-login.ts'
import { trackerQueue } from '../../wire/subjects.ts'
import { calloutSubject, createAuthCallout, serverXkeyHeader } from './auth-callout.ts'
import { createCatchUp } from './catch-up.ts'
import { sourceKey, sourceOfConnection } from './message-source.ts'
import { createPacedQueue } from './paced-queue.ts'
import { grantFor } from './permissions.ts'
import { createLoginProof, isCredential } from './prove-login.ts'
import type { TrackerActor } from './tracker-parts.ts'

export const authenticatorActor: TrackerActor =
  parts =>
  ({ sendBack }) => {
    const { connections, projection, secrets, log, attempts, load } = parts
    const callout = createAuthCallout(secrets)
    const prove = createLoginProof(parts, createCatchUp(parts))

    async function answer(message: Msg): Promise<void> {
      const serverXkey = message.headers?.get(serverXkeyHeader) ?? ''
      const question = callout.open(message.data, serverXkey)
      const login = fromConnect(question.user, question.pass)
      const source = login && sourceOfConnection(login, question.host)
      // A device that is logged in is counted by itself: many people may share an address with one that connects too often.
      const isDevice =
        login && 'credential' in login && isCredential(projection.loginOf(login)?.credentialHash, login.credential)
      const arriving = isDevice && source ? sourceKey(source) : originOf(question.host)
      // Without an answer the broker keeps it waiting, so that it cannot come back at once.
      if (!load.admitsConnection(arriving) || (source && load.isRefused(source))) return
      const proven = login && (await prove(login, question))
      const grant = proven && grantFor(proven, question.host)
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
