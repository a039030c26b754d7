import { existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { deviceKey, parseDeviceKey } from '../../src/domain/device-ref.ts'
import type { Group, GroupView } from '../../src/domain/group-protocol.ts'
import {
  createProjection,
  inMemory,
  openProjection,
  type Projection,
  ProjectionUnusable,
  removeProjection,
} from '../../src/storage/projection.ts'
import type { SharedFile } from '../../src/storage/projection-queries.ts'
import { type LogEntry, readLogEntry } from '../../src/wire/log-entry.ts'
import type { LogEvent } from '../../src/wire/log-record.ts'
import { userEvents } from '../../src/wire/subjects.ts'
import { commandLog, devices, users } from '../helpers/command-log.ts'
import { tempFolder } from '../helpers/temp-folder.ts'

const created = '2026-01-01T00:00:00.000000001Z'
const batchSizes = fc.infiniteStream(fc.integer({ min: 1, max: 9 }))
const runs = { numRuns: 60 }

function freshProjection(): Projection {
  return createProjection(inMemory, created)
}

function feed(projection: Projection, entries: readonly LogEntry[], sizes: Iterator<number>) {
  for (let from = 0; from < entries.length; ) {
    const size = sizes.next().value as number
    projection.apply(entries.slice(from, from + size))
    from += size
  }
}

/** With everything that order says spelled out, and shares by name. */
const spelledOut = ({ shares, members, requests, ...rest }: Group) => ({
  ...rest,
  members: [...members],
  requests: [...requests],
  shares: [...shares]
    .map(([name, { id, manifest, sharers }]) => ({ name, id, manifest, sharers: [...sharers] }))
    .sort((a, b) => (a.name < b.name ? -1 : 1)),
})

/** The whole group, out of the lists that people see. */
function groupIn(projection: Projection, group: string): Group {
  const owner = projection.ownerOf(group)
  const since = (list: readonly { user: string; since: number }[]) =>
    new Map(list.map(({ user, since }) => [user, since] as const))
  const shares = [...projection.filesOf(group)].map(({ name }) => {
    const { id, manifest, sharers } = projection.share(group, name)!
    return [name, { id, manifest, sharers: new Set(sharers.map(deviceKey)) }] as const
  })
  return {
    group: owner === undefined ? undefined : group,
    owner: owner ?? '',
    isHidden: projection.isHidden(group),
    members: since(projection.membersOf(group)),
    requests: since(projection.requestsOf(group)),
    shares: new Map(shares),
  }
}

/** Everything that a decision may read of a group, asked about these files. */
const read = ({ group, owner, isHidden, members, requests, shares }: GroupView, files: readonly string[]) => ({
  ...{ group, owner, isHidden },
  members: [...members.keys()],
  are: users.map(user => [members.has(user), requests.has(user)]),
  shares: files.map(name => {
    const share = shares.get(name)
    const sharers = [...(share?.sharers ?? [])].sort()
    const has = users.map(user => devices.map(device => share?.sharers.has(deviceKey({ user, device }))))
    return { id: share?.id, sharers, has }
  }),
})

const signUp = (seq: number, user: string, id: string) => {
  const record = { id, at: seq, events: [{ type: 'account.created', user, passwordHash: 'h', at: seq }] }
  return readLogEntry(seq, userEvents(user), Buffer.from(JSON.stringify(record)))
}
const idOf = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`

test('Equal sequence means equal digest, however the entries were batched.', t => {
  fc.assert(
    fc.property(commandLog, batchSizes, ({ entries }, sizes) => {
      const one = freshProjection()
      const other = freshProjection()
      for (const entry of entries) one.apply([entry])
      feed(other, entries, sizes)
      t.is(other.applied, one.applied)
      t.is(other.digest(), one.digest())
      one.close()
      other.close()
    }),
    runs,
  )
})

test('A projection that was closed and opened again continues as before.', t => {
  const folder = tempFolder(t)
  let file = 0
  fc.assert(
    fc.property(commandLog, fc.double({ min: 0, max: 1, noNaN: true }), ({ entries }, part) => {
      const path = join(folder, `${file++}.db`)
      const half = Math.floor(entries.length * part)
      const whole = freshProjection()
      whole.apply(entries)
      const first = createProjection(path, created)
      first.apply(entries.slice(0, half))
      const { origin } = first
      first.close()
      const second = openProjection(path)
      t.deepEqual(second?.origin, origin)
      second?.apply(entries.slice(half))
      t.is(second?.digest(), whole.digest())
      second?.close()
      whole.close()
    }),
    { numRuns: 25 },
  )
})

test('Every entry changes the digest.', t => {
  fc.assert(
    fc.property(commandLog, ({ entries }) => {
      const projection = freshProjection()
      const digests = new Set([projection.digest()])
      for (const entry of entries) {
        projection.apply([entry])
        digests.add(projection.digest())
      }
      t.is(digests.size, entries.length + 1)
      projection.close()
    }),
    { numRuns: 10 },
  )
})

test('The digest stands for the rows that there are, however they came, changed and went.', t => {
  fc.assert(
    fc.property(commandLog, batchSizes, ({ entries }, sizes) => {
      const projection = freshProjection()
      feed(projection, entries, sizes)
      t.true(projection.hasTrueDigest())
      projection.close()
    }),
    runs,
  )
})

test('A row that was altered behind the projection’s back makes its digest untrue.', t => {
  const path = join(tempFolder(t), 'projection.db')
  const projection = createProjection(path, created)
  projection.apply([signUp(1, 'ann', idOf(1)), signUp(2, 'bo', idOf(2))])
  t.true(projection.hasTrueDigest())
  const intruder = new Database(path)
  intruder.prepare('UPDATE accounts SET password_hash = ? WHERE user = ?').run('other', 'bo')
  t.false(projection.hasTrueDigest())
  intruder.prepare('UPDATE accounts SET password_hash = ? WHERE user = ?').run('h', 'bo')
  t.true(projection.hasTrueDigest())
  intruder.close()
  projection.close()
})

test('Accounts, groups with their orders, and settings equal what the domain makes of the same events.', t => {
  fc.assert(
    fc.property(commandLog, batchSizes, ({ entries, accounts, groups, settings }, sizes) => {
      const projection = freshProjection()
      feed(projection, entries, sizes)
      for (const [like, state] of accounts) {
        t.is(projection.userLike(like), state.user)
        const loaded = projection.account(state.user ?? like)
        t.deepEqual({ ...loaded, devices: [...loaded.devices] }, { ...state, devices: [...state.devices] })
      }
      for (const [like, state] of groups) {
        t.is(projection.groupLike(like), state.group)
        t.deepEqual(spelledOut(groupIn(projection, state.group ?? like)), spelledOut(state))
        const files = [...state.shares.keys(), 'no such file']
        const view = projection.group(state.group ?? like)
        t.deepEqual(read(view, files), read(state, files))
      }
      t.deepEqual(projection.clusterSettings(), settings)
      const listed = [...accounts.values()].flatMap(({ user, since, isDisabled, isDeleted, devices }) => {
        const memberships = [...groups.values()].filter(({ members }) => user !== undefined && members.has(user))
        const state = isDisabled ? 'disabled' : 'active'
        return user === undefined || isDeleted
          ? []
          : { user, since, state, devices: devices.size, groups: memberships.length }
      })
      t.deepEqual(
        [...projection.accounts()],
        listed.sort((a, b) => (a.user < b.user ? -1 : 1)),
      )
      projection.close()
    }),
    runs,
  )
})

/** Every end of sharing for itself, as the log has it from before an exit said it all. */
function spelledOutIn(state: Group, events: readonly LogEvent[]): LogEvent[] {
  return events.flatMap((event): LogEvent[] => {
    const isExit = event.type === 'member.left' || event.type === 'member.removed'
    if (!isExit && !(event.type === 'sharer.removed' && event.device === undefined)) return [event]
    const { group = '' } = state
    const ends = [...state.shares].flatMap(([name, { sharers }]): LogEvent[] => {
      if (!isExit && name !== event.name) return []
      const own = [...sharers].map(parseDeviceKey).filter(({ user }) => user === event.user)
      const removed = own.map((by): LogEvent => ({ type: 'sharer.removed', group, name, ...by }))
      return isExit && own.length === sharers.size ? [...removed, { type: 'share.ended', group, name }] : removed
    })
    return isExit ? [...ends, event] : ends
  })
}

test('A log that spells out every end of sharing gives the same projection as one that leaves them to exits.', t => {
  let spelledOutRecords = 0
  fc.assert(
    fc.property(commandLog, ({ entries }) => {
      const one = freshProjection()
      const other = freshProjection()
      for (const entry of entries) {
        const { record, subject } = entry
        const state = groupIn(one, one.groupLike(subject.split('.').at(-1) ?? '') ?? '')
        const events = record && spelledOutIn(state, record.events)
        one.apply([entry])
        other.apply([record && events ? { ...entry, record: { ...record, events } } : entry])
        t.is(other.digest(), one.digest())
        if (record && events && events.length > record.events.length) spelledOutRecords += 1
      }
      one.close()
      other.close()
    }),
    runs,
  )
  t.true(spelledOutRecords > 0)
})

test('The lists that users see match the groups.', t => {
  fc.assert(
    fc.property(commandLog, ({ entries, groups }) => {
      const projection = freshProjection()
      projection.apply(entries)
      const existing = [...groups.values()].filter(group => group.group !== undefined)
      t.deepEqual(
        [...projection.groupsSeenBy('ann')].map(({ group, you }) => [group, you]),
        existing
          .flatMap(({ group, owner, members, requests, isHidden }) => {
            const you = members.has('ann') ? 'member' : requests.has('ann') ? 'requested' : 'none'
            return isHidden && you === 'none' ? [] : [[group, owner === 'ann' ? 'owner' : you]]
          })
          .sort(),
      )
      t.deepEqual(
        projection.groups(100, 'ann'),
        projection.groups(100).filter(({ group }) => projection.isMember(group, 'ann')),
      )
      t.is(projection.groups(100).length, existing.length)
      for (const { group = '', owner, members, requests, shares } of existing) {
        t.is(projection.ownerOf(group), owner)
        t.deepEqual(
          projection.membersOf(group).map(({ user, role, since }) => [user, role, since]),
          [...members].map(([user, since]) => [user, user === owner ? 'owner' : 'member', since]),
        )
        t.deepEqual(
          projection.requestsOf(group).map(({ user, since }) => [user, since]),
          [...requests],
        )
        t.deepEqual(
          [...projection.filesOf(group)].map(file => [file.name, file.sha1, file.sharers.length]),
          [...shares.values()]
            .map(({ manifest, sharers }) => [manifest.name, manifest.sha1, sharers.size])
            .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
        )
        for (const [name, { id, manifest, sharers }] of shares) {
          const share = projection.share(group, name)
          t.like(share, { id, manifest })
          t.is(share?.sharers.length, sharers.size)
          t.is(projection.shareIdOf(group, name), id)
          for (const sharer of share?.sharers ?? [])
            t.true([...projection.sharesOf(sharer)].some(offer => offer.share === id && offer.group === group))
        }
      }
      projection.close()
    }),
    runs,
  )
})

test('The devices of a user are listed, and deleted accounts that are still in a group or ask to join one.', t => {
  fc.assert(
    fc.property(commandLog, ({ entries, accounts, groups }) => {
      const projection = freshProjection()
      projection.apply(entries)
      const unfinished: string[] = []
      for (const { user = '', devices, isDeleted, passwordHash } of accounts.values()) {
        t.deepEqual(
          projection.devicesOf(user),
          [...devices].map(([device, { name, since, used }]) => ({ device, name, since, used })),
        )
        for (const [device, { used }] of devices) t.is(projection.usedAt({ user, device }), used)
        t.is(projection.passwordHash(user), passwordHash === '' ? undefined : passwordHash)
        if (!isDeleted) continue
        for (const { group, members, requests } of groups.values())
          if (members.has(user) || requests.has(user)) unfinished.push(`${user} ${group}`)
      }
      t.deepEqual(
        projection
          .unfinishedExits()
          .map(({ user, group }) => `${user} ${group}`)
          .sort(),
        unfinished.sort(),
      )
      projection.close()
    }),
    runs,
  )
})

test('Reading a list from after one of its rows gives the rest of it.', t => {
  fc.assert(
    fc.property(commandLog, ({ entries, groups }) => {
      const projection = freshProjection()
      projection.apply(entries)
      const whole = <R>(list: (after?: R) => Iterable<R>) => {
        const all = [...list()]
        for (const [index, row] of all.entries()) t.deepEqual([...list(row)], all.slice(index + 1))
        return all
      }
      whole<{ group: string }>(after => projection.groupsSeenBy('ann', after?.group))
      const sharers = [...groups.values()].flatMap(({ group = '' }) =>
        whole<SharedFile>(after => projection.filesOf(group, after?.name)).flatMap(file => file.sharers),
      )
      for (const sharer of sharers) whole<{ group: string; name: string }>(after => projection.sharesOf(sharer, after))
      projection.close()
    }),
    runs,
  )
})

test('A subject’s last sequence and a request’s place in the log are known, and unknown ones have none.', t => {
  const projection = freshProjection()
  projection.apply([signUp(4, 'ann', idOf(1))])
  t.is(projection.lastSequence(userEvents('ann')), 4)
  t.is(projection.lastSequence(userEvents('bo')), 0)
  t.is(projection.handledAt(idOf(1)), 4)
  t.is(projection.handledAt(idOf(2)), undefined)
  projection.close()
})

test('Requests are forgotten only by their place in the log, so that every tracker forgets the same ones.', t => {
  const entries = [signUp(1, 'ann', idOf(1)), signUp(2, 'bo', idOf(2)), signUp(1_000_001, 'cy', idOf(3))]
  const one = freshProjection()
  const other = freshProjection()
  one.apply(entries)
  for (const entry of entries) other.apply([entry])
  for (const projection of [one, other]) {
    t.is(projection.handledAt(idOf(1)), undefined)
    t.is(projection.handledAt(idOf(2)), 2)
  }
  t.is(one.digest(), other.digest())
})

test('An unreadable entry advances the sequences and changes nothing else; another log gives another digest.', t => {
  const readable = freshProjection()
  const unreadable = freshProjection()
  readable.apply([signUp(1, 'ann', idOf(1))])
  // A record with another aggregate's events must have no effect, whoever wrote it.
  const { record } = signUp(1, 'ann', idOf(1))
  unreadable.apply([readLogEntry(1, userEvents('bo'), Buffer.from(JSON.stringify(record)))])
  t.is(unreadable.applied, 1)
  t.is(unreadable.lastSequence(userEvents('bo')), 1)
  t.is(unreadable.account('ann').user, undefined)
  t.not(unreadable.digest(), readable.digest())
})

test('No entry of a batch is applied if one is out of order.', t => {
  const projection = freshProjection()
  projection.apply([signUp(2, 'ann', idOf(1))])
  const before = projection.digest()
  t.throws(() => projection.apply([signUp(3, 'bo', idOf(2)), signUp(3, 'cy', idOf(3))]), { instanceOf: RangeError })
  t.is(projection.applied, 2)
  t.is(projection.digest(), before)
  t.is(projection.account('bo').user, undefined)
})

test('A missing file means no projection, and removing a projection removes all its files.', t => {
  const path = join(tempFolder(t), 'projection.db')
  t.is(openProjection(path), undefined)
  createProjection(path, created).close()
  removeProjection(path)
  t.false(existsSync(path))
  t.is(openProjection(path), undefined)
})

test('A damaged, truncated, foreign or empty file, or one of another version, is reported as unusable.', t => {
  const folder = tempFolder(t)
  const damages: Record<string, (path: string) => void> = {
    garbage: path => writeFileSync(path, 'no database, but long enough to be taken for one '.repeat(100)),
    empty: path => writeFileSync(path, ''),
    truncated: path => truncateSync(path, Math.floor(readFileSync(path).length / 2 / 4096) * 4096),
    damaged: path => {
      const bytes = readFileSync(path)
      bytes.fill(0xa5, 4096)
      writeFileSync(path, bytes)
    },
    'of another version': path => {
      const db = new Database(path)
      db.pragma('user_version = 999')
      db.close()
    },
    'without an origin': path => {
      const db = new Database(path)
      db.exec('DELETE FROM origin')
      db.close()
    },
  }
  for (const [how, damage] of Object.entries(damages)) {
    const path = join(folder, `${how}.db`)
    const projection = createProjection(path, created)
    projection.apply(Array.from({ length: 200 }, (_, i) => signUp(i + 1, `user${i}`, idOf(i))))
    projection.close()
    damage(path)
    t.throws(() => openProjection(path), { instanceOf: ProjectionUnusable }, how)
  }
})
