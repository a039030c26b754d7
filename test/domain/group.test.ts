// What a group's people may do and what comes of it, by example. The invariants are in group-series.test.ts.

import test from 'ava'
import { deviceKey, parseDeviceKey } from '../../src/domain/device-ref.ts'
import { group } from '../../src/domain/group.ts'
import type { GroupCommand, GroupEvent } from '../../src/domain/group-protocol.ts'
import { notMember } from '../../src/domain/group-refusals.ts'
import { shareId } from '../../src/domain/manifest.ts'
import { refuse } from '../../src/domain/refusal.ts'
import { specify, stateOf } from '../helpers/decider-specification.ts'
import { manifestOf } from '../helpers/manifest-of.ts'

const g = { group: 'g' }
const alice = { by: { user: 'alice', device: 'a1' }, at: 100 }
const bob = { by: { user: 'bob', device: 'b1' }, at: 100 }
const carol = { by: { user: 'carol', device: 'c1' }, at: 100 }
const created: GroupEvent = { type: 'group.created', ...g, owner: 'alice', at: 1 }
const requested = (user: string, at = 100): GroupEvent => ({ type: 'join.requested', ...g, user, at })
const accepted = (user: string, at = 100): GroupEvent => ({ type: 'join.accepted', ...g, user, at })
const withBob = [created, requested('bob', 2), accepted('bob', 3)]
const withCarolToo = [...withBob, requested('carol', 4), accepted('carol', 5)]

const film = manifestOf('film', Buffer.from('a film'))
const otherFilm = manifestOf('film', Buffer.from('another film'))
const song = manifestOf('song', Buffer.from('a song'))
const shareCreated: GroupEvent = { type: 'share.created', ...g, id: shareId('g', film), manifest: film }
const shareEnded: GroupEvent = { type: 'share.ended', ...g, name: 'film' }
const sharer = (change: 'added' | 'removed', user: string, device: string): GroupEvent => ({
  type: `sharer.${change}`,
  ...g,
  name: 'film',
  user,
  device,
})
const allRemoved = (user: string): GroupEvent => ({ type: 'sharer.removed', ...g, name: 'film', user })
const ownerIs = (user: string): GroupEvent => ({ type: 'owner.changed', ...g, user })

test('The creator of a group owns it, and its name is taken.', t => {
  const given = specify(group, t)
  given()
    .when({ type: 'create', ...g, ...alice })
    .gives({ ...created, at: 100 } as GroupEvent)
  given(created)
    .when({ type: 'create', ...g, ...bob })
    .refused('group-exists')
  given(created, { type: 'group.ended', ...g })
    .when({ type: 'create', ...g, ...bob })
    .gives({ type: 'group.created', ...g, owner: 'bob', at: 100 })
})

test('A name that looks like that of a group is taken, and the other name is not told.', t => {
  const decided = group.decide({ type: 'create', group: 'G', ...bob }, stateOf(group, [created]))
  const message = 'the name G is too like that of another group; choose another'
  t.deepEqual(decided, { ok: false, code: 'group-exists', message })
})

test('Every command to a group that does not exist is refused.', t => {
  const given = specify(group, t)
  given()
    .when({ type: 'request-to-join', ...bob })
    .refused('no-such-group')
  given()
    .when({ type: 'leave', ...alice })
    .refused('no-such-group')
  given()
    .when({ type: 'accept', user: 'bob', ...alice })
    .refused('no-such-group')
  given()
    .when({ type: 'share', manifest: film, ...alice })
    .refused('no-such-group')
})

test('A user asks to join once, and a member cannot ask.', t => {
  const given = specify(group, t)
  given(created)
    .when({ type: 'request-to-join', ...bob })
    .gives(requested('bob'))
  given(created, requested('bob'))
    .when({ type: 'request-to-join', ...bob })
    .refused('already-requested')
  given(...withBob)
    .when({ type: 'request-to-join', ...bob })
    .refused('already-member')
  given(created)
    .when({ type: 'request-to-join', ...alice })
    .refused('already-member')
})

test('A non-member is told how to ask to join, or that the request is waiting for the owner.', t => {
  const message = (hasAsked: boolean) => notMember({ group: 'g', owner: 'alice', isHidden: false, hasAsked }).message
  t.is(message(false), 'you are not a member of g; ask to join it with shoal group join g')
  t.is(message(true), 'your request to join g is waiting for its owner, alice, to accept it')
  const state = [created, requested('bob')].flat().reduce(group.evolve, group.initial)
  const by = { user: 'bob', device: 'bbbbbbbbbbbb' }
  t.deepEqual(group.decide({ type: 'leave', by, at: 1 }, state), refuse('not-member', message(true)))
  t.deepEqual(
    group.decide({ type: 'leave', by: { ...by, user: 'eve' }, at: 1 }, state),
    refuse('not-member', message(false)),
  )
})

test('Only the owner accepts or rejects a join request.', t => {
  const given = specify(group, t)
  const asked = [created, requested('bob')]
  given(...asked)
    .when({ type: 'accept', user: 'bob', ...alice })
    .gives(accepted('bob'))
  given(...asked)
    .when({ type: 'reject', user: 'bob', ...alice })
    .gives({ type: 'join.rejected', ...g, user: 'bob' })
  for (const type of ['accept', 'reject'] as const)
    given(created)
      .when({ type, user: 'bob', ...alice })
      .refused('no-such-request')
  given(...withBob)
    .when({ type: 'accept', user: 'bob', ...alice })
    .refused('already-member')
  given(...withBob)
    .when({ type: 'reject', user: 'bob', ...alice })
    .refused('no-such-request')
})

test('The owner’s commands are refused to members, and to strangers without revealing anything.', t => {
  const given = specify(group, t)
  for (const type of ['accept', 'reject', 'remove', 'transfer'] as const) {
    given(...withBob)
      .when({ type, user: 'carol', ...bob })
      .refused('not-owner')
    given(...withBob)
      .when({ type, user: 'bob', ...carol })
      .refused('not-member')
  }
  given(created, requested('carol'))
    .when({ type: 'accept', user: 'carol', ...carol })
    .refused('not-member')
})

test('A user who was rejected or left may ask again.', t => {
  const given = specify(group, t)
  given(created, requested('bob'), { type: 'join.rejected', ...g, user: 'bob' })
    .when({ type: 'request-to-join', ...bob })
    .gives(requested('bob'))
  given(...withBob, { type: 'member.left', ...g, user: 'bob' })
    .when({ type: 'request-to-join', ...bob })
    .gives(requested('bob'))
})

test('When the owner leaves, the longest-standing other member owns the group.', t => {
  const given = specify(group, t)
  given(...withCarolToo)
    .when({ type: 'leave', ...alice })
    .gives({ type: 'member.left', ...g, user: 'alice' }, ownerIs('bob'))
  const bobCameBack: GroupEvent[] = [
    { type: 'member.left', ...g, user: 'bob' },
    requested('bob', 6),
    accepted('bob', 7),
  ]
  given(...withCarolToo, ...bobCameBack)
    .when({ type: 'leave', ...alice })
    .gives({ type: 'member.left', ...g, user: 'alice' }, ownerIs('carol'))
  given(...withBob)
    .when({ type: 'leave', ...bob })
    .gives({ type: 'member.left', ...g, user: 'bob' })
})

test('When the last member leaves, the group ends, its requests and shares with it.', t => {
  const given = specify(group, t)
  const all = [created, requested('bob'), shareCreated, sharer('added', 'alice', 'a1')]
  given(...all)
    .when({ type: 'leave', ...alice })
    .gives({ type: 'member.left', ...g, user: 'alice' }, { type: 'group.ended', ...g })
  t.deepEqual(stateOf(group, [...all, { type: 'group.ended', ...g }]), group.initial)
})

test('The owner hands over to a member, or removes one, but not themselves.', t => {
  const given = specify(group, t)
  given(...withBob)
    .when({ type: 'transfer', user: 'bob', ...alice })
    .gives(ownerIs('bob'))
  given(...withBob)
    .when({ type: 'transfer', user: 'alice', ...alice })
    .gives()
  given(...withBob)
    .when({ type: 'transfer', user: 'carol', ...alice })
    .refused('not-member')
  given(...withBob)
    .when({ type: 'remove', user: 'bob', ...alice })
    .gives({ type: 'member.removed', ...g, user: 'bob' })
  given(...withBob)
    .when({ type: 'remove', user: 'alice', ...alice })
    .refused('usage')
  given(...withBob)
    .when({ type: 'remove', user: 'carol', ...alice })
    .refused('not-member')
})

test('A file is shared by its first sharer, and the same file by a second.', t => {
  const given = specify(group, t)
  given(created)
    .when({ type: 'share', manifest: film, ...alice })
    .gives(shareCreated, sharer('added', 'alice', 'a1'))
  const shared = [...withBob, shareCreated, sharer('added', 'alice', 'a1')]
  given(...shared)
    .when({ type: 'share', manifest: film, ...bob })
    .gives(sharer('added', 'bob', 'b1'))
  given(...shared)
    .when({ type: 'share', manifest: film, ...alice })
    .gives()
  given(...shared)
    .when({ type: 'share', manifest: film, by: { user: 'alice', device: 'a2' }, at: 1 })
    .gives(sharer('added', 'alice', 'a2'))
})

test('A different file under a taken name is refused, even to the user who took it.', t => {
  const given = specify(group, t)
  const shared = [...withBob, shareCreated, sharer('added', 'alice', 'a1')]
  given(...shared)
    .when({ type: 'share', manifest: otherFilm, ...bob })
    .refused('name-taken')
  given(...shared)
    .when({ type: 'share', manifest: otherFilm, ...alice })
    .refused('name-taken')
})

test('A manifest that contradicts itself, and a share by a stranger, are refused.', t => {
  const given = specify(group, t)
  given(created)
    .when({ type: 'share', manifest: { ...film, pieces: '' }, ...alice })
    .refused('integrity')
  given(created)
    .when({ type: 'share', manifest: { ...film, name: '../film' }, ...alice })
    .refused('invalid-name')
  given(created)
    .when({ type: 'share', manifest: film, ...bob })
    .refused('not-member')
})

test('Unsharing removes one device or all of a user’s, never another user’s, and removing the last ends the share.', t => {
  const given = specify(group, t)
  const shared = [
    ...withBob,
    shareCreated,
    ...[sharer('added', 'alice', 'a1'), sharer('added', 'bob', 'b1'), sharer('added', 'alice', 'a2')],
  ]
  given(...shared)
    .when({ type: 'unshare', name: 'film', devices: 'this', ...alice })
    .gives(sharer('removed', 'alice', 'a1'))
  given(...shared)
    .when({ type: 'unshare', name: 'film', devices: 'all', ...alice })
    .gives(allRemoved('alice'))
  t.deepEqual([...(stateOf(group, [...shared, allRemoved('alice')]).shares.get('film')?.sharers ?? [])], ['bob/b1'])
  given(...withBob, shareCreated, sharer('added', 'bob', 'b1'))
    .when({ type: 'unshare', name: 'film', devices: 'this', ...bob })
    .gives(sharer('removed', 'bob', 'b1'), shareEnded)
  given(...withBob, shareCreated, sharer('added', 'bob', 'b1'))
    .when({ type: 'unshare', name: 'film', devices: 'all', ...alice })
    .refused('not-sharing')
  given(...shared)
    .when({ type: 'unshare', name: 'film', devices: 'this', by: { user: 'bob', device: 'b2' }, at: 1 })
    .refused('not-sharing')
  given(...withBob)
    .when({ type: 'unshare', name: 'film', devices: 'all', ...alice })
    .refused('no-such-file')
})

test('Leaving or removal ends that user’s sharing; files that others share too stay shared.', t => {
  const given = specify(group, t)
  const shared = [...withBob, shareCreated, sharer('added', 'bob', 'b1'), sharer('added', 'alice', 'a1')]
  given(...shared)
    .when({ type: 'leave', ...bob })
    .gives({ type: 'member.left', ...g, user: 'bob' })
  given(...shared)
    .when({ type: 'remove', user: 'bob', ...alice })
    .gives({ type: 'member.removed', ...g, user: 'bob' })
  const songShared: GroupEvent[] = [
    { type: 'share.created', ...g, id: shareId('g', song), manifest: song },
    { type: 'sharer.added', ...g, name: 'song', user: 'bob', device: 'b2' },
  ]
  for (const type of ['member.left', 'member.removed'] as const) {
    const { members, shares } = stateOf(group, [...shared, ...songShared, { type, ...g, user: 'bob' }])
    t.deepEqual([...members.keys()], ['alice'])
    t.deepEqual(
      [...shares].map(([name, { sharers }]) => [name, [...sharers]]),
      [['film', ['alice/a1']]],
    )
  }
})

test('Removing a user with 5,000 shares, or unsharing from a thousand devices, takes one small record.', t => {
  const many = <T>(count: number, make: (index: number) => T) =>
    Array.from({ length: count }, (_, index) => make(index))
  const shares = many(5_000, index => {
    const manifest = { ...film, name: `${index}`.padEnd(250, 'n') }
    return [manifest.name, { id: shareId('g', manifest), manifest, sharers: new Set(['bob/b1']) }] as const
  })
  const ofAllDevices = {
    id: shareId('g', film),
    manifest: film,
    sharers: new Set(many(1_000, index => `bob/b${index}`)),
  }
  const state = { ...stateOf(group, withBob), shares: new Map([...shares, ['film', ofAllDevices] as const]) }
  const bytesOf = (command: GroupCommand) => {
    const outcome = group.decide(command, state)
    if (outcome.ok && outcome.value.length > 0) return JSON.stringify(outcome.value).length
    throw new Error(`nothing is recorded of ${command.type}`)
  }
  t.true(bytesOf({ type: 'remove', user: 'bob', ...alice }) < 200)
  t.true(bytesOf({ type: 'leave', ...bob }) < 200)
  t.true(bytesOf({ type: 'unshare', name: 'film', devices: 'all', ...bob }) < 200)
  t.is(group.evolve(state, { type: 'member.removed', ...g, user: 'bob' }).shares.size, 0)
})

test('An older log, which spells out every end of sharing, yields the same state.', t => {
  const shared = [...withBob, shareCreated, sharer('added', 'bob', 'b1'), sharer('added', 'bob', 'b2')]
  const removed: GroupEvent = { type: 'member.removed', ...g, user: 'bob' }
  const before = [...shared, sharer('removed', 'bob', 'b1'), sharer('removed', 'bob', 'b2'), shareEnded, removed]
  t.deepEqual(stateOf(group, before), stateOf(group, [...shared, removed]))
  t.deepEqual(stateOf(group, before), stateOf(group, withBob.slice(0, 1)))
})

test('A sharer’s key splits into its parts again.', t => {
  for (const sharer of [
    { user: 'alice', device: 'a1' },
    { user: 'a-b_c', device: 'x' },
  ])
    t.deepEqual(parseDeviceKey(deviceKey(sharer)), sharer)
})

const hidden: GroupEvent = { ...created, type: 'group.created', owner: 'alice', at: 1, hidden: true }

test('A hidden group does not exist to others, except that they may ask to join it by its exact name.', t => {
  const given = specify(group, t)
  given()
    .when({ type: 'create', ...g, hidden: true, ...alice })
    .gives({ ...hidden, at: 100 })
  const commands: Parameters<typeof group.decide>[0][] = [
    { type: 'leave', ...bob },
    { type: 'accept', user: 'carol', ...bob },
    { type: 'share', manifest: film, ...bob },
    { type: 'unshare', name: 'film', devices: 'all', ...bob },
  ]
  for (const command of commands) {
    given(hidden).when(command).refused('no-such-group')
    t.deepEqual(group.decide(command, stateOf(group, [hidden])), group.decide(command, group.initial))
    given(hidden, requested('bob')).when(command).refused('not-member')
  }
  given(hidden)
    .when({ type: 'request-to-join', ...bob })
    .gives(requested('bob'))
})

test('A group that is created again under the name of a hidden one is not hidden.', t => {
  t.true(stateOf(group, [hidden]).isHidden)
  t.false(stateOf(group, [hidden, { type: 'group.ended', ...g }, created]).isHidden)
})

test('The operator makes any member the owner, whatever the owner does, and nobody else.', t => {
  const given = specify(group, t)
  const appoint = (user: string) => ({ type: 'appoint', user, at: 100 }) as const
  given(...withBob)
    .when(appoint('bob'))
    .gives({ type: 'owner.changed', ...g, user: 'bob' })
  given(...withBob)
    .when(appoint('alice'))
    .gives()
  given(...withBob)
    .when(appoint('carol'))
    .refused('not-member')
  given().when(appoint('bob')).refused('no-such-group')
})
