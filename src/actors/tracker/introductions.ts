// Introduces two devices that want to meet on the relay: tells the serving one which channel the fetching one will use. Only
// for the holder of a ticket for that device, and only so often: an introduction is all that an account can make
// reach another device by itself.

import { introductionTunables } from '../../../config/tracker.ts'
import { createAttempts } from '../../domain/attempts.ts'
import { type DeviceRef, deviceKey } from '../../domain/device-ref.ts'
import { done, refuse } from '../../domain/refusal.ts'
import { ticketSecretsOf } from '../../wire/cluster-secrets.ts'
import { type Introduction, isIntroductionProof } from '../../wire/introduction.ts'
import { introductionSubject } from '../../wire/subjects.ts'
import { decodeTicket, deviceTicketKey, holderTag, keyTagOf, type Ticket, ticketPsk } from '../../wire/ticket.ts'
import type { TrackerParams } from '../../wire/tracker-api.ts'
import type { Queries } from './queries.ts'
import type { TrackerParts } from './tracker-parts.ts'

interface Needs extends Pick<TrackerParts, 'online' | 'secrets'> {
  readonly projection: Pick<TrackerParts['projection'], 'credentialHash'>
  readonly connections: { readonly log: Pick<TrackerParts['connections']['log'], 'publish'> }
}

/** `now` in ms, from any fixed moment on. */
export function createIntroductions(
  { projection, online, secrets, connections }: Needs,
  now: () => number = () => performance.now(),
): Pick<Queries, 'swarm.introduce'> {
  const counted = createAttempts(introductionTunables.limits, introductionTunables.rememberedKeys)
  /** Includes those of a rotation under way: tickets by all of them are in use. */
  const ticketSecrets = ticketSecretsOf(secrets)

  /** The key that this device's ticket has; undefined when the device is logged out, or it is no ticket of ours. */
  function pskOf(to: DeviceRef, identity: string, { keyTag }: Ticket): Buffer | undefined {
    const credentialHash = projection.credentialHash(to)
    if (credentialHash === undefined) return undefined
    const keys = ticketSecrets.map(secret => deviceTicketKey(secret, to, credentialHash))
    const key = keys.find(one => keyTagOf(one) === keyTag)
    return key && ticketPsk(key, identity)
  }

  function hasTicket(by: DeviceRef, { to, identity, channel, proof }: TrackerParams<'swarm.introduce'>): boolean {
    const ticket = decodeTicket(identity)
    if (!ticket || ticket.expiresAt <= Date.now() || ticket.holder !== holderTag(by)) return false
    const psk = pskOf(to, identity, ticket)
    return psk !== undefined && isIntroductionProof(proof, psk, channel)
  }

  return {
    'swarm.introduce'(params, by) {
      const { to, channel } = params
      if (!hasTicket(by, params)) return refuse('bad-credentials', 'the trackers do not accept our ticket')
      if (!online.find(to)) return refuse('unreachable', 'it is not connected to the brokers')
      const attempt = { origin: by.user, target: deviceKey(to), isKnown: false }
      if (counted.waitMs(attempt, now()) > 0) return refuse('too-many', 'too many relayed connections are being made')
      counted.count(attempt, now())
      const introduction: Introduction = { from: by, channel }
      connections.log.publish(introductionSubject(to), JSON.stringify(introduction))
      return done({})
    },
  }
}
