// Answers about groups: which there are, who is in one, who asks to join it, and which files are shared in it.

import { done, refuse } from '../../domain/refusal.ts'
import type { SharedFile } from '../../storage/projection-queries.ts'
import type { Row } from '../../wire/tracker-api.ts'
import { refuseNonMember } from './membership-check.ts'
import { pageOf } from './page-of.ts'
import type { Queries } from './queries.ts'
import type { TrackerParts } from './tracker-parts.ts'

type Method = 'group.list' | 'group.members' | 'group.requests' | 'group.files'

export function createGroupQueries({
  projection,
  online,
}: Pick<TrackerParts, 'projection' | 'online'>): Pick<Queries, Method> {
  function* rowsOf(files: Iterable<SharedFile>): Iterable<Row<'group.files'>> {
    for (const { sharers, ...file } of files)
      yield {
        ...file,
        sharers: [...new Set(sharers.map(sharer => sharer.user))],
        online: sharers.filter(sharer => online.find(sharer) !== undefined).length,
      }
  }

  return {
    'group.list': ({ after }, { user }) => done(pageOf(projection.groupsSeenBy(user, after), row => row.group)),

    'group.members': ({ group }, { user }) =>
      refuseNonMember(projection, group, user) ?? done(projection.membersOf(group)),

    'group.requests'({ group }, { user }) {
      const refusal = refuseNonMember(projection, group, user)
      if (refusal) return refusal
      const owner = projection.ownerOf(group)
      if (owner !== user) return refuse('not-owner', `only ${group}'s owner, ${owner}, can see who asks to join`)
      return done(projection.requestsOf(group))
    },

    'group.files': ({ group, after }, { user }) =>
      refuseNonMember(projection, group, user) ??
      done(pageOf(rowsOf(projection.filesOf(group, after)), row => row.name)),
  }
}
