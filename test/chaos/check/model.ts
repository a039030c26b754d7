// The checker's own rules of accounts and groups: written from the promises, not from src/domain, so that they do not share
// its mistakes. A state is one group, or all accounts, at one point of the log; never changed in place.

import type { Entry, HeartbeatCommand, Line } from './history.ts'

export interface GroupState {
  readonly owner: string
  /** Longest-standing first. */
  readonly members: readonly string[]
  readonly requests: readonly string[]
  readonly shares: ReadonlyMap<string, { readonly sha1: string; readonly sharers: readonly string[] }>
}

type By = { readonly user: string; readonly device: string }
const keyOf = ({ user, device }: By) => `${user}/${device}`
const without = (list: readonly string[], one: string) => list.filter(each => each !== one)

/** The outcome that a request must have in that state: a change, no change, or a refusal with that code. */
export function verdict(state: GroupState | undefined, by: By, method: string, params: Entry['params']): string {
  if (method === 'group.create') return state ? 'group-exists' : 'act'
  if (method === 'group.list') return 'nothing'
  if (!state) return 'no-such-group'
  const isMember = state.members.includes(by.user)
  if (method === 'group.join')
    return isMember ? 'already-member' : state.requests.includes(by.user) ? 'already-requested' : 'act'
  if (!isMember) return 'not-member'
  const share = state.shares.get(params.name ?? '')
  switch (method) {
    case 'group.members':
    case 'group.files':
      return 'nothing'
    case 'group.leave':
      return 'act'
    case 'share.add':
      if (share && share.sha1 !== params.sha1) return 'name-taken'
      return share?.sharers.includes(keyOf(by)) ? 'nothing' : 'act'
    case 'share.remove':
      if (!share) return 'no-such-file'
      return share.sharers.some(sharer => sharer.startsWith(`${by.user}/`)) ? 'act' : 'not-sharing'
  }
  if (state.owner !== by.user) return 'not-owner'
  const whom = params.user ?? ''
  const isMemberToo = state.members.includes(whom)
  switch (method) {
    case 'group.requests':
      return 'nothing'
    case 'group.accept':
      return state.requests.includes(whom) ? 'act' : isMemberToo ? 'already-member' : 'no-such-request'
    case 'group.reject':
      return state.requests.includes(whom) ? 'act' : 'no-such-request'
    case 'group.remove':
      return !isMemberToo ? 'not-member' : whom === by.user ? 'usage' : 'act'
    case 'group.transfer':
      return !isMemberToo ? 'not-member' : whom === by.user ? 'nothing' : 'act'
  }
  throw new Error(`bug: the model does not know ${method}`)
}

/** The request that a record answers, by its first event that identifies it. */
export function requestOf({ events }: Pick<Line, 'events'>): { method: string; params: Entry['params'] } | undefined {
  for (const event of events) {
    const { group, user, name } = event as { group?: string; user?: string; name?: string }
    const params = { ...(group && { group }), ...(user && { user }), ...(name && { name }) }
    switch (event.type) {
      case 'group.created':
        return { method: 'group.create', params }
      case 'join.requested':
        return { method: 'group.join', params }
      case 'join.accepted':
        return { method: 'group.accept', params }
      case 'join.rejected':
        return { method: 'group.reject', params }
      case 'member.left':
        return { method: 'group.leave', params }
      case 'member.removed':
        return { method: 'group.remove', params }
      case 'sharer.added': {
        const made = events.find(({ type }) => type === 'share.created')
        const manifest = made?.manifest as { sha1: string } | undefined
        return { method: 'share.add', params: { ...params, ...(manifest && { sha1: manifest.sha1 }) } }
      }
      case 'account.created':
        return { method: 'signup', params }
      case 'device.logged-in':
        return { method: 'login', params }
      case 'device.logged-out':
        return { method: 'device.logout', params }
    }
  }
  const [first] = events
  if (first?.type === 'owner.changed')
    return { method: 'group.transfer', params: { group: String(first.group), user: String(first.user) } }
  if (first?.type === 'sharer.removed')
    return { method: 'share.remove', params: { group: String(first.group), name: String(first.name) } }
  return undefined
}

const withoutUser = (sharers: readonly string[], user: string) =>
  sharers.filter(sharer => !sharer.startsWith(`${user}/`))

/** Removes the shares of a user who has left; a share without other sharers is gone too. */
function withoutDevicesOf(user: string, shares: GroupState['shares']): GroupState['shares'] {
  const left = new Map<string, { readonly sha1: string; readonly sharers: readonly string[] }>()
  for (const [name, { sha1, sharers }] of shares) {
    const others = withoutUser(sharers, user)
    if (others.length > 0) left.set(name, { sha1, sharers: others })
  }
  return left
}

export function evolve(state: GroupState | undefined, event: HeartbeatCommand): GroupState | undefined {
  const user = String(event.user)
  if (event.type === 'group.created')
    return { owner: String(event.owner), members: [String(event.owner)], requests: [], shares: new Map() }
  if (!state) return undefined
  const { members, requests, shares } = state
  const name = String(event.name)
  const sharer = `${user}/${String(event.device)}`
  const withShare = (sharers: (before: readonly string[]) => readonly string[]) => {
    const share = shares.get(name)
    return share
      ? { ...state, shares: new Map(shares).set(name, { ...share, sharers: sharers(share.sharers) }) }
      : state
  }
  switch (event.type) {
    case 'join.requested':
      return { ...state, requests: [...requests, user] }
    case 'join.accepted':
      return { ...state, requests: without(requests, user), members: [...members, user] }
    case 'join.rejected':
      return { ...state, requests: without(requests, user) }
    case 'member.left':
    case 'member.removed':
      return { ...state, members: without(members, user), shares: withoutDevicesOf(user, shares) }
    case 'owner.changed':
      return { ...state, owner: user }
    case 'group.ended':
      return undefined
    case 'share.created': {
      const manifest = event.manifest as { name: string; sha1: string }
      return { ...state, shares: new Map(shares).set(manifest.name, { sha1: manifest.sha1, sharers: [] }) }
    }
    case 'sharer.added':
      return withShare(before => [...before, sharer])
    case 'sharer.removed':
      return withShare(before => (event.device === undefined ? withoutUser(before, user) : without(before, sharer)))
    case 'share.ended': {
      const left = new Map(shares)
      left.delete(name)
      return { ...state, shares: left }
    }
  }
  return state
}

/** The invariant that a group violates; undefined if none. */
export function broken(state: GroupState): string | undefined {
  const { owner, members, requests, shares } = state
  if (!members.includes(owner)) return `its owner ${owner} is no member`
  if (new Set(members).size < members.length) return 'somebody is a member twice'
  if (new Set(requests).size < requests.length) return 'somebody asks to join twice'
  const both = requests.find(user => members.includes(user))
  if (both) return `${both} is a member and asks to join`
  for (const [name, { sharers }] of shares) {
    if (sharers.length === 0) return `nobody shares ${name}`
    if (new Set(sharers).size < sharers.length) return `a device shares ${name} twice`
    const stranger = sharers.find(sharer => !members.includes(sharer.split('/')[0]!))
    if (stranger) return `${stranger} shares ${name} and is no member`
  }
  return undefined
}

/** A read's result in comparable form: only what the rules determine, sorted. */
export function seenIn(state: GroupState, method: string): unknown {
  switch (method) {
    case 'group.members':
      return state.members.map(user => `${user} ${user === state.owner ? 'owner' : 'member'}`)
    case 'group.requests':
      return [...state.requests]
    case 'group.files':
      return [...state.shares]
        .map(([name, { sha1, sharers }]) => `${name} ${sha1} ${distinctUsers(sharers).join()}`)
        .sort()
  }
  throw new Error(`bug: ${method} is no read of a group`)
}

export function seenByReader(result: unknown, method: string): unknown {
  const rows = result as readonly Record<string, unknown>[]
  switch (method) {
    case 'group.members':
      return rows.map(({ user, role }) => `${user} ${role}`)
    case 'group.requests':
      return rows.map(({ user }) => user)
    case 'group.files':
      return rows.map(({ name, sha1, sharers }) => `${name} ${sha1} ${(sharers as string[]).join()}`).sort()
  }
  throw new Error(`bug: ${method} is no read of a group`)
}

const distinctUsers = (sharers: readonly string[]) => [...new Set(sharers.map(sharer => sharer.split('/')[0]!))]

/** A group's row in `group.list` for that person; undefined if there is no such group. */
export function rowOf(state: GroupState | undefined, user: string): string | undefined {
  if (!state) return undefined
  const { owner, members, requests } = state
  const you =
    owner === user ? 'owner' : members.includes(user) ? 'member' : requests.includes(user) ? 'requested' : 'none'
  return [owner, members.length, you].join()
}
