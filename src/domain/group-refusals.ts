// What a person is told when a group refuses them as such, wherever that is decided.

import { type Refusal, refuse } from './refusal.ts'

export const noSuchGroup = refuse('no-such-group', 'there is no such group; see shoal group list')

/** For a user who asks for what only members may see or do. */
export function notMember({
  group,
  owner,
  isHidden,
  hasAsked,
}: {
  readonly group: string
  readonly owner: string
  readonly isHidden: boolean
  readonly hasAsked: boolean
}): Refusal {
  if (hasAsked)
    return refuse('not-member', `your request to join ${group} is waiting for its owner, ${owner}, to accept it`)
  if (isHidden) return noSuchGroup
  return refuse('not-member', `you are not a member of ${group}; ask to join it with shoal group join ${group}`)
}

export const noMemberCalled = (group: string, user: string): Refusal =>
  refuse('not-member', `${user} is not a member of ${group}; see shoal group members ${group}`)

/** `existing` is the group in the way, which is or looks like `wanted`. A look-alike is not named: not everybody may know it. */
export const groupExists = (wanted: string, existing: string): Refusal =>
  refuse(
    'group-exists',
    existing === wanted
      ? `the group ${wanted} already exists; choose another name`
      : `the name ${wanted} is too like that of another group; choose another`,
  )
