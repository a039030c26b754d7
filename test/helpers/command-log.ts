// Logs as trackers write them: series of random commands, each decided by the domain from what the series made so far.

import fc from 'fast-check'
import { type Account, type AccountCommand, account, passwordVersion } from '../../src/domain/account.ts'
import { type ClusterSettings, clusterSettings } from '../../src/domain/cluster-settings.ts'
import { group } from '../../src/domain/group.ts'
import type { Group } from '../../src/domain/group-protocol.ts'
import type { Outcome } from '../../src/domain/refusal.ts'
import { skeleton } from '../../src/domain/skeleton.ts'
import { type LogEntry, readLogEntry } from '../../src/wire/log-entry.ts'
import type { LogEvent } from '../../src/wire/log-record.ts'
import { clusterEvents, groupEvents, userEvents } from '../../src/wire/subjects.ts'
import { manifestOf } from './manifest-of.ts'

export interface CommandLog {
  readonly entries: LogEntry[]
  /** What folding the events with the domain's `evolve` gives, by skeleton. */
  readonly accounts: Map<string, Account>
  readonly groups: Map<string, Group>
  readonly settings: ClusterSettings
}

export const users = ['ann', 'Ann', 'bo', 'cy']
export const devices = ['d00000000001', 'd00000000002']
const groupNames = ['reef', 'kelp', 'Reef']

const oneOf = <T>(items: readonly T[]) => fc.constantFrom(...items)
const by = fc.record({ user: oneOf(users), device: oneOf(devices) })
const manifest = fc
  .record({ name: oneOf(['a.txt', 'b.txt', 'ü']), content: oneOf(['one', 'two']) })
  .map(({ name, content }) => manifestOf(name, Buffer.from(content)))
const someone = oneOf(users)
const groupCommand = fc.oneof(
  { weight: 2, arbitrary: fc.record({ type: fc.constant('create' as const), hidden: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('request-to-join' as const) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('leave' as const) }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant('accept' as const), user: someone }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: oneOf(['reject', 'remove', 'transfer', 'appoint'] as const), user: someone }),
  },
  { weight: 12, arbitrary: fc.record({ type: fc.constant('share' as const), manifest }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('unshare' as const),
      name: oneOf(['a.txt', 'b.txt', 'ü']),
      devices: oneOf(['this', 'all'] as const),
    }),
  },
)
const step = fc.oneof(
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sign-up' as const), user: someone }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: oneOf(['log-in-device', 'log-out-device', 'note-use'] as const),
      by,
      credential: fc.nat(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: oneOf(['change-password', 'revoke-device', 'delete'] as const),
      by,
      credential: fc.nat(),
    }),
  },
  {
    weight: 40,
    arbitrary: fc.record({ kind: fc.constant('group' as const), group: oneOf(groupNames), by, command: groupCommand }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: oneOf(['disable', 'enable', 'reset-password', 'remove'] as const), user: someone }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('set-sign-up' as const), signUp: oneOf(['open', 'closed'] as const) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('unreadable' as const), group: oneOf(groupNames) }) },
)
type AccountStep = Exclude<
  typeof step extends fc.Arbitrary<infer S> ? S : never,
  { kind: 'group' | 'set-sign-up' | 'unreadable' }
>

function accountCommand(made: AccountStep, at: number, state: Account): AccountCommand {
  const passwordHash = `hash ${at}`
  if ('user' in made) return { type: made.kind, user: made.user, passwordHash, at }
  const { device } = made.by
  const proven = passwordVersion(state.passwordHash)
  switch (made.kind) {
    case 'log-in-device':
      return { type: made.kind, device, name: device, credentialHash: `credential ${made.credential}`, at, proven }
    case 'change-password':
      return { type: made.kind, passwordHash, keep: made.credential % 2 === 0 ? device : undefined, proven }
    case 'note-use':
      return { type: made.kind, device, at, everyMs: 2 }
    case 'log-out-device':
      return { type: made.kind, device, credentialHash: state.devices.get(device)?.credentialHash ?? 'none' }
    case 'revoke-device':
      return { type: made.kind, device, proven }
    case 'delete':
      return { type: made.kind, proven }
  }
}

/** Sequences may be skipped: the brokers do not promise to leave no gaps. */
const gap = oneOf([1, 1, 1, 1, 3])

export const commandLog: fc.Arbitrary<CommandLog> = fc
  .array(fc.tuple(step, gap), { minLength: 1, maxLength: 120, size: 'max' })
  .map(steps => {
    const entries: LogEntry[] = []
    const accounts = new Map<string, Account>()
    const groups = new Map<string, Group>()
    let settings = clusterSettings.initial
    let seq = 0
    const append = (subject: string, content: unknown, skip: number) => {
      seq += skip
      entries.push(readLogEntry(seq, subject, Buffer.from(JSON.stringify(content))))
    }
    const record = <E extends LogEvent>(subject: string, decided: Outcome<readonly E[]>, at: number, skip: number) => {
      if (!decided.ok || decided.value.length === 0) return []
      const id = `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`
      append(subject, { id, at, events: decided.value }, skip)
      return decided.value
    }
    for (const [at, [made, skip]] of steps.entries()) {
      if (made.kind === 'unreadable') {
        append(groupEvents(made.group), { not: 'a record' }, skip)
        continue
      }
      if (made.kind === 'group') {
        const like = skeleton(made.group)
        const state = groups.get(like) ?? group.initial
        const command = { ...made.command, group: made.group, by: made.by, at }
        const isConcerned = command.type === 'create' || state.group === made.group
        const decided = group.decide(command, isConcerned ? state : group.initial)
        const events = record(groupEvents(made.group), decided, at, skip)
        groups.set(like, events.reduce(group.evolve, state))
        continue
      }
      if (made.kind === 'set-sign-up') {
        const events = record(
          clusterEvents,
          clusterSettings.decide({ type: made.kind, signUp: made.signUp }, settings),
          at,
          skip,
        )
        settings = events.reduce(clusterSettings.evolve, settings)
        continue
      }
      const user = 'user' in made ? made.user : made.by.user
      const like = skeleton(user)
      const state = accounts.get(like) ?? account.initial
      const isConcerned = made.kind === 'sign-up' || state.user === user
      const decided = account.decide(accountCommand(made, at, state), isConcerned ? state : account.initial)
      const events = record(userEvents(user), decided, at, skip)
      accounts.set(like, events.reduce(account.evolve, state))
    }
    return { entries, accounts, groups, settings }
  })
