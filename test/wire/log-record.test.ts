import test from 'ava'
import { logRecordSchema } from '../../src/wire/log-record.ts'
import { manifestOf } from '../helpers/manifest-of.ts'

const id = '01890a5d-ac96-774b-bcce-b302099a8057'
const by = { user: 'alice', device: 'aaaaaaaaaaaa' }
const requested = { type: 'join.requested', group: 'g', user: 'bob', at: 5 }
const record = { id, at: 5, by, events: [requested] }
const isRecord = (value: unknown) => logRecordSchema.safeParse(value).success

test('A record of one command is read, with or without its author.', t => {
  t.true(isRecord(record))
  const { by: _, ...signUp } = record
  t.true(isRecord({ ...signUp, events: [{ type: 'account.created', user: 'alice', passwordHash: 'h', at: 5 }] }))
  t.true(isRecord({ ...record, by: 'operator', events: [{ type: 'sign-up.set', signUp: 'closed' }] }))
  const manifest = manifestOf('film', Buffer.from('film'))
  t.true(isRecord({ ...record, events: [{ type: 'share.created', group: 'g', id: 'a'.repeat(32), manifest }] }))
})

const malformed: Record<string, unknown> = {
  'that is nothing': undefined,
  'that is a list': [record],
  'without an id': { ...record, id: undefined },
  'with an id that is none': { ...record, id: 'x' },
  'without events': { ...record, events: [] },
  'with a field too many': { ...record, extra: 1 },
  'from before 1970': { ...record, at: -1 },
  'with half a millisecond': { ...record, at: 0.5 },
  'by nobody in particular': { ...record, by: { user: 'alice' } },
  'by an operator of another name': { ...record, by: 'root' },
  'by a user that is a wildcard': { ...record, by: { user: '*', device: by.device } },
  'with an event of no known type': { ...record, events: [{ ...requested, type: 'join.forced' }] },
  'with an event that says too much': { ...record, events: [{ ...requested, owner: 'bob' }] },
  'with an event that says too little': { ...record, events: [{ ...requested, user: undefined }] },
  'with a group that is a path': { ...record, events: [{ ...requested, group: '../g' }] },
  'with a share id in capitals': {
    ...record,
    events: [{ type: 'share.created', group: 'g', id: 'A'.repeat(32), manifest: manifestOf('film', Buffer.alloc(1)) }],
  },
  'with a sharer of a path': { ...record, events: [{ type: 'sharer.added', group: 'g', name: '../x', ...by }] },
}
for (const [what, value] of Object.entries(malformed))
  test(`A record ${what} is refused.`, t => t.false(isRecord(value)))
