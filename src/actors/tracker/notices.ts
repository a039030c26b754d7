// Which people an entry of the log concerns, and the notices they get. The projection holds the entry already. Every
// tracker sends notices; a receiver drops repeated ones by sequence and type.

import type { Projection } from '../../storage/projection.ts'
import type { LogEntry } from '../../wire/log-entry.ts'
import type { LogEvent } from '../../wire/log-record.ts'
import type { Notice } from '../../wire/notice.ts'

export interface Message {
  readonly to: string
  readonly notice: Notice
}

type Known = Pick<Projection, 'membersOf' | 'ownerOf' | 'shareIdOf'>

const noticesTo = (people: Iterable<string>, notice: Notice): Message[] => [...people].map(to => ({ to, notice }))

/** A record yields at most one notice of a type for a person, so sequence and type identify it. */
export function noticesOf({ seq, record }: LogEntry, projection: Known): Message[] {
  const events = record?.events ?? []
  const isNewShare = events.some(event => event.type === 'share.created')
  const members = (group: string) => projection.membersOf(group).map(member => member.user)

  function about(event: LogEvent): Message[] {
    switch (event.type) {
      case 'join.requested': {
        const { group, user } = event
        const owner = projection.ownerOf(group)
        return owner === undefined ? [] : noticesTo([owner], { seq, group, type: event.type, user })
      }
      case 'join.accepted':
      case 'join.rejected':
        return noticesTo([event.user], { seq, group: event.group, type: event.type })
      case 'owner.changed':
        return noticesTo([event.user], { seq, group: event.group, type: event.type, user: event.user })
      case 'member.removed':
      case 'member.left': {
        // Members stop serving that user; the user's own devices stop serving and fetching.
        const { group, user } = event
        const revoked = noticesTo(new Set([...members(group), user]), { seq, group, type: 'access.revoked', user })
        return event.type === 'member.left'
          ? revoked
          : [...noticesTo([user], { seq, group, type: event.type }), ...revoked]
      }
      case 'sharer.added': {
        const { group, name, user, device } = event
        const share = projection.shareIdOf(group, name)
        // A later entry of the same batch ended the share.
        if (share === undefined) return []
        const said = { seq, group, name, by: { user, device }, share }
        if (!isNewShare) return noticesTo(members(group), { ...said, type: 'sharer.added' })
        const others = members(group).filter(member => member !== user)
        return noticesTo(others, { ...said, type: 'file.shared' })
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
      first ? noticesTo([user], { seq, group: first.group, type: 'sharing.ended' }) : [],
    ),
  ]
}
