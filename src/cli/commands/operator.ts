// cluster user list, add, disable, enable, reset, delete; cluster group transfer: the operator's, in a home that holds a cluster.

import { clusterFolder } from '../../cluster/cluster-folder.ts'
import type { ClusterHome } from '../../cluster/operator-requests.ts'
import { inNaturalOrder, parseId } from '../../domain/names.ts'
import { formatMoment } from '../../domain/quantities.ts'
import { done } from '../../domain/refusal.ts'
import type { OperatorRow } from '../../wire/operator-api.ts'
import { command, flag } from '../command.ts'
import type { Context } from '../context.ts'
import { renderTable } from '../render/table.ts'
import type { Result } from '../result.ts'

const load = () => import('../../cluster/operator-requests.ts')

const homeOf = (context: Context): ClusterHome => ({ folder: clusterFolder(context), servers: context.servers })

type User = OperatorRow<'user.list'>

const list = command({
  name: 'cluster user list',
  summary: 'List every account of the cluster (operator only).',
  example: 'cluster user list',
  async run(context): Promise<Result<User[]>> {
    const { listUsers } = await load()
    const users = await listUsers(homeOf(context))
    return users.ok ? done(users.value.toSorted((a, b) => inNaturalOrder(a.user, b.user))) : users
  },
  render: (users, style) =>
    users.length === 0
      ? 'There are no accounts yet.'
      : renderTable<User>(
          [
            { head: 'USER', cell: ({ user }) => user },
            { head: 'SINCE', cell: ({ since }) => formatMoment(since) },
            { head: 'DEVICES', align: 'right', cell: ({ devices }) => devices },
            { head: 'GROUPS', align: 'right', cell: ({ groups }) => groups },
            { head: 'STATE', cell: ({ state }) => (state === 'disabled' ? style('red', state) : state) },
          ],
          users,
          style,
        ),
})

const onUser = (verb: 'disable' | 'enable', summary: string, said: (user: string) => string) =>
  command({
    name: `cluster user ${verb}`,
    summary,
    example: `cluster user ${verb} bob`,
    args: { user: 'the user id' },
    async run(context, input): Promise<Result<{ user: string }>> {
      const user = parseId('user', input.user)
      if (!user.ok) return user
      const { askAsOperator } = await load()
      const answer = await askAsOperator(homeOf(context), `user.${verb}`, { user: user.value })
      return answer.ok ? done({ user: user.value }) : answer
    },
    render: ({ user }) => said(user),
  })

/** The password is shown this once; the trackers get its hash. */
const withPassword = (verb: 'add' | 'reset', summary: string, said: (user: string, password: string) => string) =>
  command({
    name: `cluster user ${verb}`,
    summary,
    example: `cluster user ${verb} bob`,
    args: { user: 'the user id' },
    async run(context, input): Promise<Result<{ user: string; password: string }>> {
      const user = parseId('user', input.user)
      if (!user.ok) return user
      const { makePassword } = await import('../../cluster/random-password.ts')
      const { password, passwordHash } = await makePassword()
      const { askAsOperator } = await load()
      const answer = await askAsOperator(homeOf(context), `user.${verb}`, { user: user.value, passwordHash })
      return answer.ok ? done({ user: user.value, password }) : answer
    },
    render: ({ user, password }) => said(user, password),
  })

const deleteUser = command({
  name: 'cluster user delete',
  summary: 'Delete an account for good. Its groups go to their next members; its shares end (operator only).',
  example: 'cluster user delete bob',
  args: { user: 'the user id' },
  options: { yes: flag('Do not ask whether you are sure.') },
  async run(context, input): Promise<Result<{ user: string }>> {
    const user = parseId('user', input.user)
    if (!user.ok) return user
    const question = `Delete ${user.value} for good? Their groups go to their next members, and the user id is never free again.`
    if (!input.yes && context.confirm && !(await context.confirm(question)))
      return { ok: false, code: 'interrupted', message: `the account ${user.value} was not deleted` }
    const { askAsOperator } = await load()
    const answer = await askAsOperator(homeOf(context), 'user.delete', { user: user.value })
    return answer.ok ? done({ user: user.value }) : answer
  },
  render: ({ user }) => `Deleted the account ${user}. All its devices are logged out.`,
})

const transfer = command({
  name: 'cluster group transfer',
  summary: 'Make a member the owner of a group, in place of the present one (operator only).',
  example: 'cluster group transfer reef bob',
  args: { group: 'the group', user: 'a member of it' },
  async run(context, input): Promise<Result<{ group: string; user: string }>> {
    const group = parseId('group', input.group)
    if (!group.ok) return group
    const user = parseId('user', input.user)
    if (!user.ok) return user
    const { askAsOperator } = await load()
    const asked = { group: group.value, user: user.value }
    const answer = await askAsOperator(homeOf(context), 'group.transfer', asked)
    return answer.ok ? done(asked) : answer
  },
  render: ({ group, user }) => `${user} now owns ${group}.`,
})

export const operatorCommands = [
  list,
  withPassword(
    'add',
    'Make an account with a random password, which is printed once (operator only).',
    (user, password) => `Created the account ${user}. Its password, shown this once: ${password}`,
  ),
  onUser(
    'disable',
    'Cut off all devices of a user, and let none log in. Nothing is lost (operator only).',
    user => `Disabled ${user}. To undo it: shoal cluster user enable ${user}`,
  ),
  onUser(
    'enable',
    'Let a disabled user in again, on the same devices as before (operator only).',
    user => `Enabled ${user}.`,
  ),
  withPassword(
    'reset',
    'Give a user a random password, which is printed once, and log out all their devices (operator only).',
    (user, password) => `Logged out ${user} everywhere. The new password, shown this once: ${password}`,
  ),
  deleteUser,
  transfer,
]
