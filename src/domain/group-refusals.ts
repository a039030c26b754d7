// What a person is told when a group refuses them as such, wherever that is decided.

import { type Refusal, refuse } from './refusal.ts'

/** For a user who asks for what only members may see or do. */
export const notMember = ({ group, owner, hasAsked }: { group: string; owner: string; hasAsked: boolean }): Refusal =>
  refuse(
    'not-member',
    hasAsked
      ? `your request to join ${group} is waiting for its owner, ${owner}, to accept it`
      : `you are not a member of ${group}; ask to join it with shoal group join ${group}`,
  )

/** `existing` is the group in the way, which is or looks like `wanted`. A look-alike is not named: not everybody may know it. */
export const groupExists = (wanted: string, existing: string): Refusal =>
  refuse(
    'group-exists',
    existing === wanted
      ? `the group ${wanted} already exists; choose another name`
      : `the name ${wanted} is too like that of another group; choose another`,
  )
