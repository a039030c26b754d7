import test from 'ava'
import fc from 'fast-check'
import type * as z from 'zod'
import * as account from '../../src/wire/account-api.ts'
import { agentMethods, agentReplySchema, downloadViewSchema } from '../../src/wire/agent-api.ts'
import { heartbeatSchema } from '../../src/wire/heartbeat.ts'
import { noticeSchema } from '../../src/wire/notice.ts'
import * as schemas from '../../src/wire/schemas.ts'
import * as tracker from '../../src/wire/tracker-api.ts'
import { manifestOf } from '../helpers/manifest-of.ts'

const accepts = (schema: z.ZodType, value: unknown) => schema.safeParse(value).success

test('No value makes a schema throw, and no schema accepts arbitrary values.', t => {
  const all: z.ZodType[] = [
    ...[schemas.manifestSchema, schemas.deviceRefSchema, schemas.refusalSchema, tracker.trackerRequestSchema],
    ...[tracker.trackerReplySchema, heartbeatSchema, noticeSchema, tracker.signUpSchema],
    ...[account.accountRequestSchema, account.passwordVersionRequestSchema, ...Object.values(account.accountMethods)],
    ...[tracker.swarmSchema, tracker.agentSessionSchema, downloadViewSchema, agentReplySchema],
    ...Object.values(tracker.trackerMethods).flatMap(method => [method.params, method.result]),
    ...Object.values(agentMethods).flatMap(method => [method.params, method.result]),
  ]
  fc.assert(
    fc.property(fc.anything(), value => {
      for (const schema of all) schema.safeParse(value)
    }),
  )
  for (const schema of all) for (const value of [undefined, null, 7, 'text', true]) t.false(accepts(schema, value))
})

test('Prototypes cannot be smuggled in.', t => {
  const hostile = JSON.parse('{"group":"g","__proto__":{"isOwner":true}}')
  const parsed = tracker.trackerMethods['group.create'].params.safeParse(hostile)
  t.true(!parsed.success || !('isOwner' in parsed.data))
  t.is(({} as { isOwner?: boolean }).isOwner, undefined)
})

const bounds: [string, z.ZodType, unknown[], unknown[]][] = [
  ['ports', schemas.portSchema, [1, 65535], [0, 65536, -1, 80.5, '80', Number.NaN]],
  ['times', schemas.millisecondsSchema, [0, 1e13], [-1, 0.5, Number.POSITIVE_INFINITY, 2 ** 60, '5']],
  ['sequences', schemas.sequenceSchema, [0, 1], [-1, 1.5, null]],
  ['passwords', schemas.passwordSchema, ['x', 'x'.repeat(1024), 'a b\0'], ['', 'x'.repeat(1025), 5]],
  ['share ids', schemas.shareIdSchema, ['0'.repeat(32)], ['0'.repeat(31), 'g'.repeat(32), `${'0'.repeat(32)}\n`]],
  [
    'device names',
    schemas.deviceNameSchema,
    ['laptop', 'a'.repeat(64), 'ü'],
    ['', 'a'.repeat(65), '\u001b[2J', 'a\u202e', 5],
  ],
  ['user ids', schemas.idSchema, ['alice'], ['', 'a.b', '*', '>', 'a'.repeat(65), 'a\n']],
]
for (const [what, schema, good, bad] of bounds)
  test(`Values for ${what} are accepted only within their bounds.`, t => {
    for (const value of good) t.true(accepts(schema, value), String(value))
    for (const value of bad) t.false(accepts(schema, value), String(value))
  })

test('A manifest has its own fields, of bounded length.', t => {
  const manifest = manifestOf('film', Buffer.from('film'))
  t.true(accepts(schemas.manifestSchema, manifest))
  for (const change of [
    { extra: 1 },
    { pieces: 'A'.repeat(128 * 1024 + 1) },
    { size: -1 },
    { name: '..' },
    { sha1: '' },
  ])
    t.false(accepts(schemas.manifestSchema, { ...manifest, ...change }))
  t.true(accepts(schemas.manifestSchema, { ...manifest, pieces: Buffer.alloc(4096 * 20).toString('base64') }))
})

test('A request may have only the parameters of its method.', t => {
  const { params } = tracker.trackerMethods['group.accept']
  t.true(accepts(params, { group: 'g', user: 'bob' }))
  for (const value of [{ group: 'g' }, { group: 'g', user: 'bob', by: 'alice' }, { group: 'g', user: 'b b' }])
    t.false(accepts(params, value))
})

test('A heartbeat, a log-in and a notice must have exactly their own fields.', t => {
  t.true(accepts(heartbeatSchema, { state: 'online', port: 1, fetching: [] }))
  t.true(accepts(heartbeatSchema, { state: 'leaving' }))
  t.false(accepts(heartbeatSchema, { state: 'online', port: 1, fetching: [], host: '10.0.0.1' }))
  t.false(accepts(heartbeatSchema, { state: 'online', port: 1, fetching: Array(1001).fill('0'.repeat(32)) }))
  const id = '01890a5d-ac96-774b-bcce-b302099a8057'
  t.true(accepts(account.accountRequestSchema, { id, device: 'aaaaaaaaaaaa', params: {} }))
  t.false(accepts(account.accountRequestSchema, { id, device: 'aaaaaaaaaaaa', params: {}, user: 'bob' }))
  const logIn = account.accountMethods['log-in']
  t.true(accepts(logIn, { name: 'laptop', credentialHash: 'a'.repeat(64) }))
  t.false(accepts(logIn, { name: 'laptop', credentialHash: 'a'.repeat(63) }))
  t.true(accepts(noticeSchema, { seq: 1, group: 'g', type: 'access.revoked', user: 'bob' }))
  t.false(accepts(noticeSchema, { seq: 1, group: 'g', type: 'access.granted', user: 'bob' }))
})
