// Who may see what is in a group: its members alone.

import { notMember } from '../../domain/group-refusals.ts'
import { type Refusal, refuse } from '../../domain/refusal.ts'
import type { Projection } from '../../storage/projection.ts'

/** Undefined for a member of a group that exists. */
export function refuseNonMember(
  projection: Pick<Projection, 'ownerOf' | 'isMember' | 'hasAskedToJoin'>,
  group: string,
  user: string,
): Refusal | undefined {
  const owner = projection.ownerOf(group)
  if (owner === undefined) return refuse('no-such-group', 'there is no such group; see shoal group list')
  if (projection.isMember(group, user)) return undefined
  return notMember({ group, owner, hasAsked: projection.hasAskedToJoin(group, user) })
}
