// One group: its owner and members, join requests, and what is shared in it by which devices. Always true of a group that
// exists: it has exactly one owner, who is a member; no user is both member and requester; every sharer is a member; every
// share has at least one sharer and a name of its own in the group.

import type { Decider } from './decider.ts'
import { type DeviceRef, deviceKey, parseDeviceKey } from './device-ref.ts'
import type { Group, GroupCommand, GroupEvent, GroupView, PersonsGroupCommand, Share } from './group-protocol.ts'
import { groupExists, noMemberCalled, noSuchGroup, notMember } from './group-refusals.ts'
import { checkManifest, type Manifest, shareId } from './manifest.ts'
import { done, type Outcome, refuse } from './refusal.ts'

const noGroup: Group = {
  group: undefined,
  owner: '',
  isHidden: false,
  members: new Map(),
  requests: new Map(),
  shares: new Map(),
}

type ExistingGroup = GroupView & { readonly group: string }

/** Whether a device key is one of that user's: of one device, or of any. */
const isOf = (user: string, device?: string) => (key: string) =>
  device === undefined ? parseDeviceKey(key).user === user : key === deviceKey({ user, device })

const withoutSharer = ({ sharers }: Share, user: string, device?: string): Set<string> => {
  const isTheirs = isOf(user, device)
  return new Set([...sharers].filter(key => !isTheirs(key)))
}

function decideExit(state: ExistingGroup, user: string, type: 'member.left' | 'member.removed'): GroupEvent[] {
  const { group } = state
  const heir = Iterator.from(state.members.keys()).find(member => member !== user)
  const exit: GroupEvent[] = [{ type, group, user }]
  if (heir === undefined) return [...exit, { type: 'group.ended', group }]
  return state.owner === user ? [...exit, { type: 'owner.changed', group, user: heir }] : exit
}

function decideShare(state: ExistingGroup, by: DeviceRef, manifest: Manifest): Outcome<readonly GroupEvent[]> {
  const { group } = state
  const { name } = manifest
  const checked = checkManifest(manifest)
  if (!checked.ok) return checked
  const id = shareId(group, manifest)
  const existing = state.shares.get(name)
  if (existing && existing.id !== id)
    return refuse('name-taken', `${group} has another file named ${name}; share yours with --name OTHER`)
  if (existing?.sharers.has(deviceKey(by))) return done([])
  const added: GroupEvent = { type: 'sharer.added', group, name, ...by }
  return done(existing ? [added] : [{ type: 'share.created', group, id, manifest }, added])
}

function decideUnshare(
  { group, shares }: ExistingGroup,
  { user, device }: DeviceRef,
  { name, devices }: Extract<GroupCommand, { type: 'unshare' }>,
): Outcome<readonly GroupEvent[]> {
  const share = shares.get(name)
  if (!share) return refuse('no-such-file', `${group} has no such file; see shoal files ${group}`)
  const which = devices === 'all' ? { user } : { user, device }
  const isTheirs = isOf(user, which.device)
  if (!Iterator.from(share.sharers).some(isTheirs))
    return refuse('not-sharing', `you are not sharing ${name} in ${group}`)
  const removed: GroupEvent = { type: 'sharer.removed', group, name, ...which }
  const isOfferedStill = Iterator.from(share.sharers).some(key => !isTheirs(key))
  return done(isOfferedStill ? [removed] : [removed, { type: 'share.ended', group, name }])
}

function decideOwner(state: ExistingGroup, user: string): Outcome<readonly GroupEvent[]> {
  if (!state.members.has(user)) return noMemberCalled(state.group, user)
  return done(user === state.owner ? [] : [{ type: 'owner.changed', group: state.group, user }])
}

function decideCreation(
  state: GroupView,
  { by, at, group, hidden }: Extract<PersonsGroupCommand, { type: 'create' }>,
): Outcome<readonly GroupEvent[]> {
  if (state.group !== undefined) return groupExists(group, state.group)
  return done([{ type: 'group.created', group, owner: by.user, at, ...(hidden ? { hidden } : {}) }])
}

function without<K, V>(map: ReadonlyMap<K, V>, key: K): ReadonlyMap<K, V> {
  const copy = new Map(map)
  copy.delete(key)
  return copy
}

export const group: Decider<Group, GroupCommand, GroupEvent, GroupView> = {
  initial: noGroup,

  decide(command, state) {
    if (command.type === 'create') return decideCreation(state, command)
    if (state.group === undefined) return noSuchGroup
    const existing = state as ExistingGroup
    const name = state.group
    if (command.type === 'appoint') return decideOwner(existing, command.user)
    const { by, at } = command

    if (command.type === 'request-to-join') {
      if (state.members.has(by.user)) return refuse('already-member', `you are already a member of ${name}`)
      if (state.requests.has(by.user))
        return refuse(
          'already-requested',
          `you have already asked to join ${name}; its owner, ${state.owner}, has to accept`,
        )
      return done([{ type: 'join.requested', group: name, user: by.user, at }])
    }
    if (!state.members.has(by.user)) return notMember({ ...existing, hasAsked: state.requests.has(by.user) })

    switch (command.type) {
      case 'leave':
        return done(decideExit(existing, by.user, 'member.left'))
      case 'share':
        return decideShare(existing, by, command.manifest)
      case 'unshare':
        return decideUnshare(existing, by, command)
      default:
        if (state.owner !== by.user) return refuse('not-owner', `only ${name}'s owner, ${state.owner}, can do this`)
    }

    const { user } = command
    switch (command.type) {
      case 'accept':
      case 'reject': {
        if (!state.requests.has(user)) {
          if (command.type === 'accept' && state.members.has(user))
            return refuse('already-member', `${user} is already a member of ${name}`)
          return refuse('no-such-request', `${user} has not asked to join ${name}; see shoal group requests ${name}`)
        }
        if (command.type === 'reject') return done([{ type: 'join.rejected', group: name, user }])
        return done([{ type: 'join.accepted', group: name, user, at }])
      }
      case 'remove':
        if (!state.members.has(user)) return noMemberCalled(name, user)
        if (user === by.user) return refuse('usage', `you own ${name}; use shoal group leave ${name}`)
        return done(decideExit(existing, user, 'member.removed'))
      case 'transfer':
        return decideOwner(existing, user)
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case 'group.created':
        return {
          ...noGroup,
          group: event.group,
          owner: event.owner,
          isHidden: event.hidden === true,
          members: new Map([[event.owner, event.at]]),
        }
      case 'join.requested':
        return { ...state, requests: new Map(state.requests).set(event.user, event.at) }
      case 'join.accepted':
        return {
          ...state,
          requests: without(state.requests, event.user),
          members: new Map(state.members).set(event.user, event.at),
        }
      case 'join.rejected':
        return { ...state, requests: without(state.requests, event.user) }
      case 'member.left':
      case 'member.removed':
        return {
          ...state,
          members: without(state.members, event.user),
          shares: new Map(
            [...state.shares]
              .map(([name, share]) => [name, { ...share, sharers: withoutSharer(share, event.user) }] as const)
              .filter(([, { sharers }]) => sharers.size > 0),
          ),
        }
      case 'owner.changed':
        return { ...state, owner: event.user }
      case 'group.ended':
        return noGroup
      case 'share.created':
        return {
          ...state,
          shares: new Map(state.shares).set(event.manifest.name, {
            id: event.id,
            manifest: event.manifest,
            sharers: new Set(),
          }),
        }
      case 'sharer.added':
      case 'sharer.removed': {
        const share = state.shares.get(event.name)
        if (!share) return state
        const sharers =
          event.type === 'sharer.added'
            ? new Set(share.sharers).add(deviceKey(event))
            : withoutSharer(share, event.user, event.device)
        return { ...state, shares: new Map(state.shares).set(event.name, { ...share, sharers }) }
      }
      case 'share.ended':
        return { ...state, shares: without(state.shares, event.name) }
    }
  },
}
