// What is always true of a group, after any series of commands by anybody (the invariants in group.ts's first lines),
// and that the log alone tells all of it.

import { isDeepStrictEqual } from 'node:util'
import test from 'ava'
import fc from 'fast-check'
import { parseDeviceKey } from '../../src/domain/device-ref.ts'
import { group } from '../../src/domain/group.ts'
import type { Group, GroupEvent, PersonsGroupCommand } from '../../src/domain/group-protocol.ts'
import { shareId } from '../../src/domain/manifest.ts'
import { logRecordSchema } from '../../src/wire/log-record.ts'
import { stateOf } from '../helpers/decider-specification.ts'
import { manifestOf } from '../helpers/manifest-of.ts'

const user = fc.constantFrom('alice', 'bob', 'carol', 'dave')
const device = fc.constantFrom('aaaaaaaaaaaa', 'bbbbbbbbbbbb')
const manifests = ['film', 'song', 'text'].flatMap(name =>
  [1, 2].map(take => manifestOf(name, Buffer.from(`${name} ${take}`))),
)
const by = { by: fc.record({ user, device }), at: fc.constant(0) }
const someone = <T extends string>(type: T) => fc.record({ type: fc.constant(type), user, ...by })

const command: fc.Arbitrary<PersonsGroupCommand> = fc.oneof(
  fc.record({ type: fc.constant('create' as const), group: fc.constant('g'), hidden: fc.boolean(), ...by }),
  fc.record({ type: fc.constant('request-to-join' as const), ...by }),
  fc.record({ type: fc.constant('leave' as const), ...by }),
  ...(['accept', 'accept', 'reject', 'remove', 'transfer'] as const).map(someone),
  fc.record({ type: fc.constant('share' as const), manifest: fc.constantFrom(...manifests), ...by }),
  fc.record({
    type: fc.constant('unshare' as const),
    name: fc.constantFrom('film', 'song', 'text'),
    devices: fc.constantFrom('this' as const, 'all' as const),
    ...by,
  }),
)

function broken(state: Group): string | undefined {
  if (state.group === undefined)
    return isDeepStrictEqual(state, group.initial) ? undefined : 'an ended group has a rest'
  if (!state.members.has(state.owner)) return 'the owner is no member'
  for (const requester of state.requests.keys()) if (state.members.has(requester)) return 'a member asks to join'
  const since = [...state.members.values()]
  if (since.some((at, index) => index > 0 && at < since[index - 1]!)) return 'members are not in the order they came'
  for (const [name, share] of state.shares) {
    if (share.manifest.name !== name || share.id !== shareId('g', share.manifest)) return 'a share is not itself'
    if (share.sharers.size === 0) return 'a share has no sharer'
    for (const key of share.sharers) if (!state.members.has(parseDeviceKey(key).user)) return 'a sharer is no member'
  }
  return undefined
}

test('After any series of commands the group is sound, refusals have changed nothing, and the log yields the same state.', t => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60 }), series => {
      const log: GroupEvent[] = []
      let state = group.initial
      for (const [index, next] of series.entries()) {
        const at = index + 1
        const outcome = group.decide({ ...next, at }, state)
        if (!outcome.ok) continue
        log.push(...outcome.value)
        state = outcome.value.reduce(group.evolve, state)
        const why = broken(state)
        if (why !== undefined) throw new Error(`${why} after ${JSON.stringify(next)}`)
        if (outcome.value.length > 0) {
          const id = '01890a5d-ac96-774b-bcce-b302099a8057'
          const record = logRecordSchema.safeParse({ id, at, by: next.by, events: outcome.value })
          if (!record.success) throw new Error(`the log does not take it: ${record.error.message}`)
        }
      }
      const replayed = stateOf(group, JSON.parse(JSON.stringify(log)) as GroupEvent[])
      if (!isDeepStrictEqual(replayed, state)) throw new Error('the log tells another state')
    }),
    { numRuns: 1000 },
  )
  t.pass()
})

test('Only the owner grants access: every member is the creator, or was accepted by the owner of that time.', t => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60 }), series => {
      let state = group.initial
      for (const next of series) {
        const outcome = group.decide(next, state)
        if (!outcome.ok) continue
        const after = outcome.value.reduce(group.evolve, state)
        for (const member of after.members.keys()) {
          if (state.members.has(member)) continue
          const isByOwner = next.type === 'accept' && next.by.user === state.owner && state.requests.has(member)
          if (!isByOwner && !(next.type === 'create' && next.by.user === member)) throw new Error(`${member} got in`)
        }
        const isOwnersWord = next.by.user === state.owner || state.group === undefined
        if (after.owner !== state.owner && !isOwnersWord) throw new Error(`${next.by.user} changed the owner`)
        for (const [name, share] of state.shares)
          for (const key of share.sharers)
            if (
              !after.shares.get(name)?.sharers.has(key) &&
              next.by.user !== parseDeviceKey(key).user &&
              next.by.user !== state.owner
            )
              throw new Error(`${next.by.user} stopped another's sharing`)
        state = after
      }
    }),
    { numRuns: 500 },
  )
  t.pass()
})
