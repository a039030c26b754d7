// Answers what a device's reading requests ask, from the projection and from who is online. Whoever may not know is
// refused: what is in a group is its members' affair, who asks to join it is its owner's.

import { ticketTunables } from '../../../config/swarm.ts'
import { type DeviceRef, deviceKey } from '../../domain/device-ref.ts'
import { epochOf } from '../../domain/log-position.ts'
import { done, type Outcome, type Refusal, refuse } from '../../domain/refusal.ts'
import type { Withdrawn } from '../../domain/revocation.ts'
import type { SharedFile } from '../../storage/projection-queries.ts'
import { deviceTicketKey, encodeTicket, keyTagOf, ticketPsk } from '../../wire/ticket.ts'
import type {
  Row,
  SwarmPeer,
  TrackerMethod,
  TrackerParams,
  TrackerResult,
  trackerMethods,
} from '../../wire/tracker-api.ts'
import { pageOf } from './page-of.ts'
import type { TrackerParts } from './tracker-parts.ts'

export type ReadMethod = {
  [M in TrackerMethod]: (typeof trackerMethods)[M]['kind'] extends 'read' ? M : never
}[TrackerMethod]

export type Queries = {
  readonly [M in ReadMethod]: (params: TrackerParams<M>, by: DeviceRef) => Outcome<TrackerResult<M>>
}

type Parts = Pick<TrackerParts, 'projection' | 'online' | 'secrets'>

export function createQueries({ projection, online, secrets }: Parts): Queries {
  const epoch = epochOf(projection.origin.streamCreated)
  const ticketSecret = Buffer.from(secrets.ticketSecret, 'base64url')
  /** Devices know the next one before tickets are issued by it, and the one before for as long as some may be about. */
  const otherSecrets = [secrets.next, secrets.retiring].flatMap(set =>
    set ? Buffer.from(set.ticketSecret, 'base64url') : [],
  )

  function denied(group: string, { user }: DeviceRef): Refusal | undefined {
    if (projection.ownerOf(group) === undefined)
      return refuse('no-such-group', 'there is no such group; see shoal group list')
    if (projection.isMember(group, user)) return undefined
    return refuse('not-member', `you are not a member of ${group}; ask with shoal group join ${group}`)
  }

  /** How `holder` reaches the device for that share; undefined when it is offline or logged out. */
  function peerOf(device: DeviceRef, share: string, holder: DeviceRef, complete: boolean): SwarmPeer[] {
    const found = online.find(device)
    const credentialHash = projection.credentialHash(device)
    if (!found || credentialHash === undefined) return []
    const { user, device: id, host, port } = found
    const ticketKey = deviceTicketKey(ticketSecret, device, credentialHash)
    const expiresAt = Date.now() + ticketTunables.lifetimeMs
    const identity = encodeTicket(share, holder, expiresAt, projection.applied, epoch, keyTagOf(ticketKey))
    const key = ticketPsk(ticketKey, identity).toString('base64url')
    return [{ user, device: id, host, port, complete, ticket: { identity, key } }]
  }

  function* listed(files: Iterable<SharedFile>): Iterable<Row<'group.files'>> {
    for (const { sharers, ...file } of files)
      yield {
        ...file,
        sharers: [...new Set(sharers.map(sharer => sharer.user))],
        online: sharers.filter(sharer => online.find(sharer) !== undefined).length,
      }
  }

  return {
    'group.list': ({ after }, { user }) => done(pageOf(projection.groupsSeenBy(user, after), row => row.group)),
    'group.members': ({ group }, by) => denied(group, by) ?? done(projection.membersOf(group)),
    'group.requests'({ group }, by) {
      const refusal = denied(group, by)
      if (refusal) return refusal
      const owner = projection.ownerOf(group)
      if (owner !== by.user) return refuse('not-owner', `only ${group}'s owner, ${owner}, can see who asks to join`)
      return done(projection.requestsOf(group))
    },
    'group.files'({ group, after }, by) {
      const refusal = denied(group, by)
      if (refusal) return refusal
      return done(pageOf(listed(projection.filesOf(group, after)), row => row.name))
    },
    'swarm.locate'({ group, name }, by) {
      const refusal = denied(group, by)
      if (refusal) return refusal
      const share = projection.share(group, name)
      if (!share) return refuse('no-such-file', `${group} has no file of that name; see shoal files ${group}`)
      const sharing = new Set(share.sharers.map(deviceKey))
      const fetching = online
        .all()
        .filter(device => device.fetching.includes(share.id) && !sharing.has(deviceKey(device)))
        .filter(device => projection.isMember(group, device.user))
      const others = (device: DeviceRef) => deviceKey(device) !== deviceKey(by)
      const peers = [
        ...share.sharers.filter(others).flatMap(device => peerOf(device, share.id, by, true)),
        ...fetching.filter(others).flatMap(device => peerOf(device, share.id, by, false)),
      ]
      return done({ share: share.id, manifest: share.manifest, peers, sharers: share.sharers.length })
    },
    'agent.session'(_, by) {
      const credentialHash = projection.credentialHash(by)
      if (credentialHash === undefined) return refuse('not-logged-in', 'this device is logged out; use shoal login')
      const keyFrom = (secret: Buffer) => deviceTicketKey(secret, by, credentialHash).toString('base64url')
      const otherTicketKeys = otherSecrets.map(keyFrom)
      return done({ ticketKey: keyFrom(ticketSecret), otherTicketKeys })
    },
    'agent.shares': ({ after }, by) =>
      done(pageOf(projection.sharesOf(by, after), ({ group, name }) => ({ group, name }))),
    'serving.recheck'({ shares }, by) {
      const withdrawnFrom = (group: string, holder: DeviceRef): Withdrawn[] => {
        const { user } = holder
        if (!projection.isMember(group, user)) return [{ kind: 'membership', user, group }]
        return projection.credentialHash(holder) === undefined ? [{ kind: 'device', ...holder }] : []
      }
      const withdrawn = shares.flatMap(({ share, group, name, isRecorded, holders }): Withdrawn[] => {
        const mayServe =
          projection.isMember(group, by.user) &&
          projection.shareIdOf(group, name) === share &&
          (!isRecorded || projection.isSharer(group, name, by))
        return mayServe ? holders.flatMap(holder => withdrawnFrom(group, holder)) : [{ kind: 'share', share }]
      })
      return done({ seq: projection.applied, epoch, withdrawn })
    },
  }
}
