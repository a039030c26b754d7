// Answers where a share can be fetched: its online sharers and the members that download it, each with a ticket for the
// device that asks.

import { ticketTunables } from '../../../config/swarm.ts'
import { type DeviceRef, deviceKey } from '../../domain/device-ref.ts'
import { epochOf } from '../../domain/log-position.ts'
import { done, refuse } from '../../domain/refusal.ts'
import { deviceTicketKey, encodeTicket, keyTagOf, ticketPsk } from '../../wire/ticket.ts'
import type { SwarmPeer } from '../../wire/tracker-api.ts'
import { refuseNonMember } from './membership-check.ts'
import type { Queries } from './queries.ts'
import type { TrackerParts } from './tracker-parts.ts'

export function createSwarmQueries({
  projection,
  online,
  secrets,
}: Pick<TrackerParts, 'projection' | 'online' | 'secrets'>): Pick<Queries, 'swarm.locate'> {
  const epoch = epochOf(projection.origin.streamCreated)
  const ticketSecret = Buffer.from(secrets.ticketSecret, 'base64url')

  /** How `holder` reaches the device for that share; undefined when it is offline or logged out. */
  function peerOf(device: DeviceRef, share: string, holder: DeviceRef, complete: boolean): SwarmPeer | undefined {
    const found = online.find(device)
    const credentialHash = projection.credentialHash(device)
    if (!found || credentialHash === undefined) return undefined
    const { user, device: id, host, port } = found
    const ticketKey = deviceTicketKey(ticketSecret, device, credentialHash)
    const expiresAt = Date.now() + ticketTunables.lifetimeMs
    const identity = encodeTicket(share, holder, expiresAt, projection.applied, epoch, keyTagOf(ticketKey))
    const key = ticketPsk(ticketKey, identity).toString('base64url')
    return { user, device: id, host, port, complete, ticket: { identity, key } }
  }

  return {
    'swarm.locate'({ group, name }, by) {
      const refusal = refuseNonMember(projection, group, by.user)
      if (refusal) return refusal
      const share = projection.share(group, name)
      if (!share) return refuse('no-such-file', `${group} has no file of that name; see shoal files ${group}`)
      const sharing = new Set(share.sharers.map(deviceKey))
      const fetching = online
        .fetching(share.id)
        .filter(device => !sharing.has(deviceKey(device)) && projection.isMember(group, device.user))
      const others = (devices: readonly DeviceRef[]) => devices.filter(device => deviceKey(device) !== deviceKey(by))
      const peers = [
        ...others(share.sharers).map(device => peerOf(device, share.id, by, true)),
        ...others(fetching).map(device => peerOf(device, share.id, by, false)),
      ].filter(peer => peer !== undefined)
      return done({ share: share.id, manifest: share.manifest, peers, sharers: share.sharers.length })
    },
  }
}
