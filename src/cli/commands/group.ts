// group create, list, join, leave, requests, accept, reject, members, remove, transfer: each one request to the trackers.

import { inNaturalOrder, parseId } from '../../domain/names.ts'
import { formatMoment } from '../../domain/quantities.ts'
import { done } from '../../domain/refusal.ts'
import { askTrackers, listAll } from '../ask.ts'
import { command, flag } from '../command.ts'
import { hintGroupFirst } from '../hint-group-first.ts'
import { renderTable } from '../render/table.ts'
import type { Result } from '../result.ts'

const theGroup = { group: 'the group' }

type GroupWrite = 'group.join' | 'group.leave'

/** A command of one group that answers with the group's name. */
const onGroup = (method: GroupWrite, summary: string, said: (group: string) => string) =>
  command({
    name: method.replace('.', ' '),
    summary,
    example: `${method.replace('.', ' ')} reef`,
    args: theGroup,
    async run(context, input): Promise<Result<{ group: string }>> {
      const group = parseId('group', input.group)
      if (!group.ok) return group
      const answer = await askTrackers(context, method, { group: group.value })
      return answer.ok ? done({ group: group.value }) : answer
    },
    render: ({ group }) => said(group),
  })

const create = command({
  name: 'group create',
  summary: 'Create a group. You become its owner.',
  example: 'group create reef',
  args: theGroup,
  options: {
    hidden: flag(
      'Only its members see it listed. People who know its exact name can ask to join; to all others it does not exist.',
    ),
  },
  async run(context, input): Promise<Result<{ group: string }>> {
    const group = parseId('group', input.group)
    if (!group.ok) return group
    const answer = await askTrackers(context, 'group.create', { group: group.value, hidden: input.hidden })
    return answer.ok ? done({ group: group.value }) : answer
  },
  render: ({ group }) => `Created ${group}. You are its owner.`,
})

type OwnersWrite = 'group.accept' | 'group.reject' | 'group.remove' | 'group.transfer'

/** A command of a group's owner about one person. */
const onMember = (method: OwnersWrite, summary: string, said: (user: string, group: string) => string) =>
  command({
    name: method.replace('.', ' '),
    summary,
    example: `${method.replace('.', ' ')} reef bob`,
    args: { ...theGroup, user: 'the user id' },
    async run(context, input): Promise<Result<{ group: string; user: string }>> {
      const group = parseId('group', input.group)
      if (!group.ok) return group
      const user = parseId('user', input.user)
      if (!user.ok) return user
      const answer = await askTrackers(context, method, { group: group.value, user: user.value })
      if (answer.ok) return done({ group: group.value, user: user.value })
      return hintGroupFirst(context, answer, { name: method.replace('.', ' '), group: group.value, other: user.value })
    },
    render: ({ group, user }) => said(user, group),
  })

const list = command({
  name: 'group list',
  summary: 'List the groups, their owners, and your role in each. Hidden groups are listed to their members.',
  example: 'group list',
  async run(context) {
    const groups = await listAll(context, 'group.list', {})
    return groups.ok ? done(groups.value.toSorted((a, b) => inNaturalOrder(a.group, b.group))) : groups
  },
  render: (groups, style) =>
    groups.length === 0
      ? 'There are no groups yet. Create one: shoal group create NAME'
      : renderTable<(typeof groups)[number]>(
          [
            { head: 'GROUP', cell: ({ group, hidden }) => (hidden ? `${group} (hidden)` : group) },
            { head: 'OWNER', cell: ({ owner }) => owner },
            { head: 'MEMBERS', align: 'right', cell: ({ members }) => members },
            { head: 'YOU', cell: ({ you }) => (you === 'none' ? '-' : you) },
          ],
          groups,
          style,
        ),
})

const requests = command({
  name: 'group requests',
  summary: 'List who has asked to join a group of yours.',
  example: 'group requests reef',
  args: theGroup,
  async run(context, input) {
    const group = parseId('group', input.group)
    return group.ok ? askTrackers(context, 'group.requests', { group: group.value }) : group
  },
  render: (requests, style) =>
    requests.length === 0
      ? 'There are no requests to join.'
      : renderTable<(typeof requests)[number]>(
          [
            { head: 'USER', cell: ({ user }) => user },
            { head: 'SINCE', cell: ({ since }) => formatMoment(since) },
          ],
          requests,
          style,
        ),
})

const members = command({
  name: 'group members',
  summary: 'List the members of a group you are in.',
  example: 'group members reef',
  args: theGroup,
  async run(context, input) {
    const group = parseId('group', input.group)
    return group.ok ? askTrackers(context, 'group.members', { group: group.value }) : group
  },
  render: (members, style) =>
    renderTable<(typeof members)[number]>(
      [
        { head: 'USER', cell: ({ user }) => user },
        { head: 'ROLE', cell: ({ role }) => role },
        { head: 'SINCE', cell: ({ since }) => formatMoment(since) },
      ],
      members,
      style,
    ),
})

export const groupCommands = [
  create,
  list,
  onGroup(
    'group.join',
    'Ask to join a group. Its owner decides.',
    group => `Asked to join ${group}. Its owner decides.`,
  ),
  onGroup(
    'group.leave',
    'Leave a group. If you own it, the longest-standing member becomes its owner.',
    group => `Left ${group}.`,
  ),
  requests,
  onMember(
    'group.accept',
    'Accept a request to join (owner only).',
    (user, group) => `${user} is now a member of ${group}.`,
  ),
  onMember(
    'group.reject',
    'Reject a request to join (owner only).',
    (user, group) => `Rejected ${user}'s request to join ${group}.`,
  ),
  members,
  onMember(
    'group.remove',
    'Remove a member, who can then download nothing more (owner only).',
    (user, group) => `Removed ${user} from ${group}.`,
  ),
  onMember(
    'group.transfer',
    'Make another member the owner (owner only).',
    (user, group) => `${user} now owns ${group}.`,
  ),
]
