import test from 'ava'
import fc from 'fast-check'
import { noticesOf } from '../../../src/actors/tracker/notices.ts'
import { createProjection, inMemory } from '../../../src/storage/projection.ts'
import { noticeSchema } from '../../../src/wire/notice.ts'
import { commandLog } from '../../helpers/command-log.ts'

test('An entry sends each person at most one notice of a type, valid by its schema, with the entry’s sequence.', t => {
  fc.assert(
    fc.property(commandLog, ({ entries }) => {
      const projection = createProjection(inMemory, 'created')
      for (const entry of entries) {
        projection.apply([entry])
        const messages = noticesOf(entry, projection)
        const names = messages.map(({ to, notice }) => `${to} ${notice.type}`)
        t.is(new Set(names).size, names.length)
        for (const { notice } of messages) t.is(noticeSchema.parse(notice).seq, entry.seq)
      }
      projection.close()
    }),
    { numRuns: 40 },
  )
})

test('When a member leaves, everyone in the group hears that access is revoked; notices about a group go to no one else.', t => {
  fc.assert(
    fc.property(commandLog, ({ entries }) => {
      const projection = createProjection(inMemory, 'created')
      for (const entry of entries) {
        const group = entry.record?.events.find(event => 'group' in event)?.group ?? ''
        const before = projection.membersOf(group).map(({ user }) => user)
        projection.apply([entry])
        const messages = noticesOf(entry, projection)
        const left = entry.record?.events.find(({ type }) => type === 'member.left' || type === 'member.removed')
        const revoked = messages.filter(({ notice }) => notice.type === 'access.revoked').map(({ to }) => to)
        t.deepEqual(revoked.sort(), left ? before.sort() : [])
        const concerned = new Set([
          ...before,
          ...(entry.record?.events ?? []).flatMap(e => ('user' in e ? e.user : [])),
        ])
        for (const { to } of messages) t.true(concerned.has(to), to)
      }
      projection.close()
    }),
    { numRuns: 40 },
  )
})
