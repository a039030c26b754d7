import test from 'ava'
import { exitFrom } from '../../src/domain/account-exit.ts'
import { group } from '../../src/domain/group.ts'
import type { GroupEvent } from '../../src/domain/group-protocol.ts'
import { stateOf } from '../helpers/decider-specification.ts'

const name = 'reef'
const created: GroupEvent = { type: 'group.created', group: name, owner: 'alice', at: 1 }
const requested = (user: string): GroupEvent => ({ type: 'join.requested', group: name, user, at: 2 })
const accepted = (user: string): GroupEvent => ({ type: 'join.accepted', group: name, user, at: 3 })
const exit = (user: string, ...events: GroupEvent[]) => exitFrom(stateOf(group, events), user, 9)

test('A deleted owner’s group goes to the next member, and ends when there is none.', t => {
  const left: GroupEvent = { type: 'member.left', group: name, user: 'alice' }
  t.deepEqual(exit('alice', created, requested('bob'), accepted('bob')), {
    ok: true,
    value: [left, { type: 'owner.changed', group: name, user: 'bob' }],
  })
  t.deepEqual(exit('alice', created), { ok: true, value: [left, { type: 'group.ended', group: name }] })
})

test('A deleted member leaves, and a deleted user’s join request ends.', t => {
  t.deepEqual(exit('bob', created, requested('bob'), accepted('bob')), {
    ok: true,
    value: [{ type: 'member.left', group: name, user: 'bob' }],
  })
  t.deepEqual(exit('bob', created, requested('bob')), {
    ok: true,
    value: [{ type: 'join.rejected', group: name, user: 'bob' }],
  })
})

test('Where nothing is left to end, nothing happens.', t => {
  t.deepEqual(exit('bob', created), { ok: true, value: [] })
  t.deepEqual(exit('bob'), { ok: true, value: [] })
})
