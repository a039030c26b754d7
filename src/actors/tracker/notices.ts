// Whom an entry of the log concerns, and what they are told. Pure but for looking at the projection, which holds the
// entry already. Every tracker tells; whoever hears drops what it has heard, by sequence and type.

import type { Projection } from '../../storage/projection.ts'
import type { LogEntry } from '../../wire/log-entry.ts'
import type { LogEvent } from '../../wire/log-record.ts'
import type { Notice } from '../../wire/notice.ts'

export interface Message {
  readonly to: string
  readonly notice: Notice
}

type Known = Pick<Projection, 'membersOf' | 'ownerOf' | 'shareIdOf'>

const tell = (people: Iterable<string>, notice: Notice): Message[] => [...people].map(to => ({ to, notice }))

/** Of one record at most one notice of a type goes to a person, so a sequence and a type name it. */
export function noticesOf({ seq, record }: LogEntry, projection: Known): Message[] {
  const events = record?.events ?? []
  const isNewShare = events.some(event => event.type === 'share.created')
  const members = (group: string) => projection.membersOf(group).map(member => member.user)

  function about(event: LogEvent): Message[] {
    switch (event.type) {
      case 'join.requested': {
        const { group, user } = event
        const owner = projection.ownerOf(group)
        return owner === undefined ? [] : tell([owner], { seq, group, type: event.type, user })
      }
      case 'join.accepted':
      case 'join.rejected':
        return tell([event.user], { seq, group: event.group, type: event.type })
      case 'owner.changed':
        return tell([event.user], { seq, group: event.group, type: event.type, user: event.user })
      case 'member.removed':
      case 'member.left': {
        // Whoever serves must stop; the one who is gone has devices that serve and fetch, too.
        const { group, user } = event
        const revoked = tell(new Set([...members(group), user]), { seq, group, type: 'access.revoked', user })
        return event.type === 'member.left' ? revoked : [...tell([user], { seq, group, type: event.type }), ...revoked]
      }
      case 'sharer.added': {
        const { group, name, user, device } = event
        const share = projection.shareIdOf(group, name)
        // Gone again already: the entries applied with this one are later.
        if (share === undefined) return []
        const said = { seq, group, name, by: { user, device }, share }
        if (!isNewShare) return tell(members(group), { ...said, type: 'sharer.added' })
        const others = members(group).filter(member => member !== user)
        return tell(others, { ...said, type: 'file.shared' })
      }
      default:
        return []
    }
  }
  const stopped = events.filter(event => event.type === 'sharer.removed')
  const changed = Map.groupBy(stopped, event => event.user)
  return [
    ...events.flatMap(about),
    ...[...changed].flatMap(([user, [first]]) =>
      first ? tell([user], { seq, group: first.group, type: 'sharing.ended' }) : [],
    ),
  ]
}
