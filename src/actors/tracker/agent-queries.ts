// Answers what an agent asks for itself: the key of its tickets, what the log has it share, and whether what it serves
// may still be served.

import type { DeviceRef } from '../../domain/device-ref.ts'
import { epochOf } from '../../domain/log-position.ts'
import { done, refuse } from '../../domain/refusal.ts'
import type { RevokedAccess } from '../../domain/revocation.ts'
import { ticketSecretsOf } from '../../wire/cluster-secrets.ts'
import { deviceTicketKey } from '../../wire/ticket.ts'
import type { ServedShare } from '../../wire/tracker-api.ts'
import { pageOf } from './page-of.ts'
import type { Queries } from './queries.ts'
import type { TrackerParts } from './tracker-parts.ts'

type Method = 'agent.session' | 'agent.shares' | 'serving.recheck'

export function createAgentQueries({
  projection,
  secrets,
}: Pick<TrackerParts, 'projection' | 'secrets'>): Pick<Queries, Method> {
  const epoch = epochOf(projection.origin.streamCreated)
  /** Devices learn the next secret before tickets are issued by it, and keep the last one while its tickets may be in use. */
  const [ticketSecret, ...otherSecrets] = ticketSecretsOf(secrets)

  function revokedFrom(holder: DeviceRef, group: string): RevokedAccess[] {
    const { user } = holder
    if (!projection.isMember(group, user)) return [{ kind: 'membership', user, group }]
    return projection.credentialHash(holder) === undefined ? [{ kind: 'device', ...holder }] : []
  }

  function revokedOf({ share, group, name, isRecorded, holders }: ServedShare, by: DeviceRef): RevokedAccess[] {
    const mayServe =
      projection.isMember(group, by.user) &&
      projection.shareIdOf(group, name) === share &&
      (!isRecorded || projection.isSharer(group, name, by))
    return mayServe ? holders.flatMap(holder => revokedFrom(holder, group)) : [{ kind: 'share', share }]
  }

  return {
    'agent.session'(_, by) {
      const credentialHash = projection.credentialHash(by)
      if (credentialHash === undefined) return refuse('not-logged-in', 'this device is logged out; use shoal login')
      const keyFrom = (secret: Buffer) => deviceTicketKey(secret, by, credentialHash).toString('base64url')
      return done({ ticketKey: keyFrom(ticketSecret), otherTicketKeys: otherSecrets.map(keyFrom) })
    },

    'agent.shares': ({ after }, by) =>
      done(pageOf(projection.sharesOf(by, after), ({ group, name }) => ({ group, name }))),

    'serving.recheck': ({ shares }, by) =>
      done({ seq: projection.applied, epoch, withdrawn: shares.flatMap(share => revokedOf(share, by)) }),
  }
}
