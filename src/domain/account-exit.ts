// What the deletion of an account ends in one group: the membership, or the wish to become a member. It is decided group by
// group after the deletion itself, and again whenever it is in doubt: where nothing is left to end, nothing happens.

import { group } from './group.ts'
import type { GroupEvent, GroupView } from './group-protocol.ts'
import { done, type Outcome } from './refusal.ts'

/** Stands for the devices of an account that has none any more. */
const noDevice = '000000000000'

/** As when the user leaves by themselves: a group of theirs goes to the longest-standing other member, or ends. */
export function exitFrom(state: GroupView, user: string, at: number): Outcome<readonly GroupEvent[]> {
  if (state.group === undefined) return done([])
  if (state.members.has(user)) return group.decide({ type: 'leave', by: { user, device: noDevice }, at }, state)
  return done(state.requests.has(user) ? [{ type: 'join.rejected', group: state.group, user }] : [])
}
