// Translates a device's write requests into commands of the domain, each on one aggregate.

import { account } from '../../domain/account.ts'
import type { DeviceRef } from '../../domain/device-ref.ts'
import { group } from '../../domain/group.ts'
import type { PersonsGroupCommand } from '../../domain/group-protocol.ts'
import type { Outcome } from '../../domain/refusal.ts'
import type { Projection } from '../../storage/projection.ts'
import type { LogEvent } from '../../wire/log-record.ts'
import { groupEvents, userEvents } from '../../wire/subjects.ts'
import type { TrackerMethod, TrackerParams, trackerMethods } from '../../wire/tracker-api.ts'
import type { Proposal } from './commit.ts'
import type { HasInterest } from './reply-interest.ts'

export type WriteMethod = {
  [M in TrackerMethod]: (typeof trackerMethods)[M]['kind'] extends 'write' ? M : never
}[TrackerMethod]
type GroupMethod = Exclude<WriteMethod, 'device.logout'>
type Meaning = PersonsGroupCommand extends infer C ? (C extends unknown ? Omit<C, 'by' | 'at'> : never) : never

const meanings: { [M in GroupMethod]: (params: TrackerParams<M>) => Meaning } = {
  'group.create': ({ group, hidden = false }) => ({ type: 'create', group, hidden }),
  'group.join': () => ({ type: 'request-to-join' }),
  'group.leave': () => ({ type: 'leave' }),
  'group.accept': ({ user }) => ({ type: 'accept', user }),
  'group.reject': ({ user }) => ({ type: 'reject', user }),
  'group.remove': ({ user }) => ({ type: 'remove', user }),
  'group.transfer': ({ user }) => ({ type: 'transfer', user }),
  'share.add': ({ manifest }) => ({ type: 'share', manifest }),
  'share.remove': ({ name, devices }) => ({ type: 'unshare', name, devices }),
}

/** What makes an account: the id must differ from all look-alikes. */
export const signUpDecision =
  (projection: Projection, user: string, passwordHash: string) =>
  (at: number): Outcome<readonly LogEvent[]> =>
    account.decide({ type: 'sign-up', user, passwordHash, at }, projection.account(projection.userLike(user) ?? user))

/** `params` have passed the method's schema. */
export function proposalOf<M extends WriteMethod>(
  projection: Projection,
  request: { readonly id: string; readonly by: DeviceRef; readonly method: M; readonly params: TrackerParams<M> },
  hasInterest: HasInterest,
): Proposal {
  const { id, by, method, params } = request
  if (method === 'device.logout') {
    const { credentialHash } = params as TrackerParams<'device.logout'>
    return {
      id,
      by,
      subject: userEvents(by.user),
      hasInterest,
      decide: () =>
        account.decide({ type: 'log-out-device', device: by.device, credentialHash }, projection.account(by.user)),
    }
  }
  const { group: name } = params as TrackerParams<GroupMethod>
  // A new group's name must differ from all look-alikes; everything else is about the group of exactly this name.
  const existing = () => (method === 'group.create' ? projection.groupLike(name) : undefined) ?? name
  const meaning = (meanings[method as GroupMethod] as (params: unknown) => Meaning)(params)
  return {
    id,
    by,
    subject: groupEvents(name),
    hasInterest,
    decide: at => group.decide({ ...meaning, by, at } as PersonsGroupCommand, projection.group(existing())),
  }
}
