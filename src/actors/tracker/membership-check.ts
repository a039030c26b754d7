// Who may see what is in a group: its members alone.

import { noSuchGroup, notMember } from '../../domain/group-refusals.ts'
import type { Refusal } from '../../domain/refusal.ts'
import type { Projection } from '../../storage/projection.ts'

/** Undefined for a member of a group that exists. */
export function refuseNonMember(
  projection: Pick<Projection, 'ownerOf' | 'isHidden' | 'isMember' | 'hasAskedToJoin'>,
  group: string,
  user: string,
): Refusal | undefined {
  const owner = projection.ownerOf(group)
  if (owner === undefined) return noSuchGroup
  if (projection.isMember(group, user)) return undefined
  return notMember({
    group,
    owner,
    isHidden: projection.isHidden(group),
    hasAsked: projection.hasAskedToJoin(group, user),
  })
}
