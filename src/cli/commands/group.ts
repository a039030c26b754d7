// group create, list, join, leave, requests, accept, reject, members, remove, transfer: each one question to the trackers.

import { inNaturalOrder, parseId } from '../../domain/names.ts'
import { formatMoment } from '../../domain/quantities.ts'
import { done } from '../../domain/refusal.ts'
import { askTrackers, listAll } from '../ask.ts'
import { command } from '../command.ts'
import { renderTable } from '../render/table.ts'
import type { Result } from '../result.ts'

const theGroup = { group: 'the group' }

type GroupWrite = 'group.create' | 'group.join' | 'group.leave'

/** A command of one group that answers with the group's name. */
const onGroup = (method: GroupWrite, summary: string, said: (group: string) => string) =>
  command({
    words: method.replace('.', ' '),
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

type OwnersWrite = 'group.accept' | 'group.reject' | 'group.remove' | 'group.transfer'

/** A command of a group's owner about one person. */
const onMember = (method: OwnersWrite, summary: string, said: (user: string, group: string) => string) =>
  command({
    words: method.replace('.', ' '),
    summary,
    example: `${method.replace('.', ' ')} reef bob`,
    args: { ...theGroup, user: 'whom' },
    async run(context, input): Promise<Result<{ group: string; user: string }>> {
      const group = parseId('group', input.group)
      if (!group.ok) return group
      const user = parseId('user', input.user)
      if (!user.ok) return user
      const answer = await askTrackers(context, method, { group: group.value, user: user.value })
      return answer.ok ? done({ group: group.value, user: user.value }) : answer
    },
    render: ({ group, user }) => said(user, group),
  })

const list = command({
  words: 'group list',
  summary: 'Every group, its owner, and what you are in it.',
  example: 'group list',
  async run(context) {
    const groups = await listAll(context, 'group.list', {})
    return groups.ok ? done(groups.value.toSorted((a, b) => inNaturalOrder(a.group, b.group))) : groups
  },
  render: (groups, style) =>
    groups.length === 0
      ? 'There are no groups yet. Make one: shoal group create NAME'
      : renderTable<(typeof groups)[number]>(
          [
            { head: 'GROUP', cell: ({ group }) => group },
            { head: 'OWNER', cell: ({ owner }) => owner },
            { head: 'MEMBERS', align: 'right', cell: ({ members }) => members },
            { head: 'YOU', cell: ({ you }) => (you === 'none' ? '-' : you) },
          ],
          groups,
          style,
        ),
})

const requests = command({
  words: 'group requests',
  summary: 'Who asks to join a group of yours.',
  example: 'group requests reef',
  args: theGroup,
  async run(context, input) {
    const group = parseId('group', input.group)
    return group.ok ? askTrackers(context, 'group.requests', { group: group.value }) : group
  },
  render: (requests, style) =>
    requests.length === 0
      ? 'Nobody asks to join.'
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
  words: 'group members',
  summary: 'Who is in a group that you are in.',
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
  onGroup('group.create', 'Make a group; you own it.', group => `Created ${group}. You are its owner.`),
  list,
  onGroup('group.join', 'Ask to join a group; its owner decides.', group => `Asked to join ${group}.`),
  onGroup(
    'group.leave',
    'Leave a group. If you own it, the member of longest standing becomes its owner.',
    group => `Left ${group}.`,
  ),
  requests,
  onMember(
    'group.accept',
    'Let somebody in who asks to join (owner).',
    (user, group) => `${user} is a member of ${group}.`,
  ),
  onMember(
    'group.reject',
    'Turn a request to join down (owner).',
    (user, group) => `${user} was not let into ${group}.`,
  ),
  members,
  onMember(
    'group.remove',
    'Remove a member, who can fetch nothing more (owner).',
    (user, group) => `${user} was removed from ${group}.`,
  ),
  onMember('group.transfer', 'Make another member the owner (owner).', (user, group) => `${user} owns ${group} now.`),
]
