// The fuzz targets: everything that reads bytes or text from elsewhere. Each target throws when its promise is broken, and
// otherwise tells whether it accepted the message. An accepted message means the same when written and read again, and
// its names, ids and manifests are safe to use.

import { deepStrictEqual } from 'node:assert/strict'
import { basename, dirname, join } from 'node:path'
import type * as z from 'zod'
import { createBitfield } from '../../src/domain/bitfield.ts'
import { checkManifest, type Manifest, pieceCount, pieceHashes, pieceSize, shareId } from '../../src/domain/manifest.ts'
import { isDeviceId, isFileName, isId, parseFileName, showable } from '../../src/domain/names.ts'
import { originOf } from '../../src/domain/origin.ts'
import { accountMethods, accountRequestSchema } from '../../src/wire/account-api.ts'
import { agentMethods, agentReplySchema } from '../../src/wire/agent-api.ts'
import { attemptMessageSchema } from '../../src/wire/attempt-message.ts'
import { fromConnect, toConnect } from '../../src/wire/broker-login.ts'
import { cutOffMessageSchema } from '../../src/wire/cut-off-message.ts'
import { heartbeatSchema } from '../../src/wire/heartbeat.ts'
import { readInspection } from '../../src/wire/inspection.ts'
import { introductionSchema } from '../../src/wire/introduction.ts'
import { readJson } from '../../src/wire/json.ts'
import { readLogEntry } from '../../src/wire/log-entry.ts'
import { noticeSchema } from '../../src/wire/notice.ts'
import { decodeRelayMessage, encodeRelayMessage } from '../../src/wire/relay-messages.ts'
import { manifestSchema } from '../../src/wire/schemas.ts'
import { addressOf, groupEvents, hostIn } from '../../src/wire/subjects.ts'
import { decodeTicket, encodeTicket } from '../../src/wire/ticket.ts'
import { signUpSchema, trackerMethods, trackerReplySchema, trackerRequestSchema } from '../../src/wire/tracker-api.ts'
import { trackerStatsSchema, trackerStatusSchema } from '../../src/wire/tracker-status.ts'
import { recordingHeadSchema, recordingLineSchema } from '../../src/wire/visualizer-api.ts'
import { watchingSchema } from '../../src/wire/watching.ts'
import { manifestOf } from '../helpers/manifest-of.ts'
import { brokerTargets } from './broker-targets.ts'
import { pageTarget } from './page-target.ts'
import { deepest, demand, isDeep, type Target } from './target.ts'

const user = 'alice'
const device = 'aaaaaaaaaaaa'
const by = { user, device }
const group = 'reef'
const name = 'film.bin'
const id = '00000000-0000-4000-8000-000000000000'
const share = '0123456789abcdef0123456789abcdef'
const manifest = manifestOf(name, Buffer.alloc(512 * 1024 + 9, 1))
const empty = manifestOf('nothing', Buffer.alloc(0))
const key = 'k'.repeat(43)

/** Every name and id anywhere in an accepted value. */
function demandSafe(value: unknown, depth = 0): void {
  if (depth > deepest) return
  if (typeof value !== 'object' || value === null) return
  demand(Object.getPrototypeOf(value) === Object.prototype || Array.isArray(value), 'a prototype was smuggled in')
  for (const [field, inner] of Object.entries(value)) {
    if (field === 'group' && typeof inner === 'string') demand(isId(inner), 'a group that is no id')
    if (field === 'device' && typeof inner === 'string') demand(isDeviceId(inner), 'a device that is no id')
    demandSafe(inner, depth + 1)
  }
}

const schemaTarget = (
  name: string,
  schema: z.ZodType,
  valid: readonly unknown[],
  check: (taken: unknown) => void = demandSafe,
): Target => ({
  name,
  valid,
  take(bytes) {
    const taken = readJson(bytes, schema)
    if (taken === undefined) return false
    check(taken)
    if (isDeep(taken)) return true
    deepStrictEqual(schema.parse(JSON.parse(JSON.stringify(taken))), JSON.parse(JSON.stringify(taken)))
    return true
  },
})

/** Its names are text to show, whatever they look like. */
const textTarget = (name: string, schema: z.ZodType, valid: readonly unknown[]): Target =>
  schemaTarget(name, schema, valid, () => {})

const textOf = (bytes: Buffer): string => {
  try {
    const value: unknown = JSON.parse(bytes.toString())
    return typeof value === 'string' ? value : bytes.toString()
  } catch {
    return bytes.toString('latin1')
  }
}

const everyParams = [
  {},
  { group },
  { group, user },
  { group, name },
  { after: group },
  { group, after: name },
  { after: { group, name } },
  { group, manifest },
  { group, name, devices: 'all' },
  { id: 1 },
  { path: '/a/b', group, name },
  { group, name, destination: '/tmp', overwrite: false },
  { up: 16384, down: null, connections: 4 },
  { withinMs: 1_000, retry: true },
  { shares: [{ share, group, name, isRecorded: true, holders: [by] }] },
  { to: by, identity: 'i', channel: share, proof: key },
  { credentialHash: 'a'.repeat(64) },
]

const requests = Object.entries(trackerMethods).map(([method, { params }]) =>
  schemaTarget(`tracker api: ${method}`, trackerRequestSchema.extend({ params }), [
    ...everyParams.map(params => ({ id, seen: 3, params })),
  ]),
)
/** Each with its own parameters: without them, a tracker reads no further than the head. */
const accountRequests = Object.entries(accountMethods).map(([method, params]) =>
  schemaTarget(`account request: ${method}`, accountRequestSchema.extend({ params }), [
    { id, device, params: {} },
    { id, device, params: { name: 'laptop', credentialHash: 'a'.repeat(64) } },
    { id, device, params: { password: 'p', logOutOthers: true } },
    { id, device, params: { device } },
  ]),
)
const results = [
  {
    share,
    manifest,
    peers: [{ ...by, host: '127.0.0.1', port: 1, complete: true, ticket: { identity: 'i', key } }],
    sharers: 1,
  },
  { ticketKey: key, otherTicketKeys: [key] },
  { rows: [{ group, name, share }], next: { group, name } },
  { seq: 1, withdrawn: [{ kind: 'membership', user, group }] },
  [{ user, since: 1 }],
  [{ user, role: 'member', since: 1 }],
  [{ device, name: 'laptop', since: 1, seen: 2, online: true }],
  { rows: [{ name, size: 1, sha1: 'a', pieces: 1, pieceLength: 1, sharers: [user], online: 1 }], next: name },
  { rows: [{ group, owner: user, members: 1, you: 'none', hidden: true }], next: group },
]
const answers = Object.entries(trackerMethods).map(([method, { result }]) =>
  schemaTarget(`tracker answer: ${method}`, result, [{}, ...results]),
)
const agent = Object.entries(agentMethods).map(([method, { params }]) =>
  schemaTarget(`agent api: ${method}`, params, everyParams),
)

const at = 1
const logTarget: Target = {
  name: 'log record',
  valid: [
    { type: 'group.created', group, owner: user, at },
    { type: 'join.requested', group, user, at },
    { type: 'share.created', group, id: share, manifest },
    { type: 'sharer.added', group, name, ...by },
    { type: 'group.ended', group },
    { type: 'account.disabled', user },
    { type: 'sign-up.set', signUp: 'closed' },
  ].map(event => ({ id, at, by, events: [event] })),
  take(bytes) {
    const { record, seq } = readLogEntry(7, groupEvents(group), bytes)
    demand(seq === 7, 'the sequence is another one')
    if (!record) return false
    demandSafe(record)
    for (const event of record.events)
      demand('group' in event && event.group === group, 'an event of another aggregate')
    return true
  },
}

const head = { run: '0123456789abcdef', n: 3, at }
const actor = {
  ...{ id: 'x:1', parent: null, name: 'agent', kind: 'machine', machine: 'agent', status: 'active', at },
  ...{ state: { online: { serving: 'open' } }, context: { failures: 0, user }, error: null },
}
const inspectionTarget: Target = {
  name: 'inspection',
  valid: [
    { ...head, kind: 'step', actor, event: 'e', from: null, transitions: [], merged: 1 },
    { ...head, kind: 'picture', watcher: null, part: 0, parts: 1, actors: [actor], definitions: { agent: 'd' } },
    { ...head, kind: 'messages', messages: [{ at, from: null, to: 'x:1', event: 'e', count: 1 }], omitted: 0 },
    { ...head, kind: 'serving', limit: null, bytesServed: 1, links: [{ ...by, group, name, via: 'direct' }] },
  ],
  take(bytes) {
    const taken = readInspection(bytes)
    if (!taken) return false
    // Its names are text to show, whatever they look like.
    const text = JSON.stringify(taken)
    demand(JSON.stringify(readInspection(Buffer.from(text))) === text, 'what was read is not what was written')
    return true
  },
}

const manifestTarget: Target = {
  name: 'manifest',
  valid: [
    manifest,
    empty,
    { ...manifest, size: 2 ** 42, pieceLength: 2 ** 30 },
    { ...manifest, pieces: Buffer.alloc(60).toString('base64') },
    { ...manifest, pieces: Buffer.alloc(39).toString('base64') },
  ],
  take(bytes) {
    const parsed = readJson(bytes, manifestSchema) as Manifest | undefined
    if (!parsed || !checkManifest(parsed).ok) return false
    const count = pieceCount(parsed)
    demand(count === Math.ceil(parsed.size / parsed.pieceLength) && count <= 4096, 'a wrong number of pieces')
    demand(pieceHashes(parsed).length === 20 * count, 'a wrong number of hashes')
    let sum = 0
    for (let piece = 0; piece < count; piece += 1) {
      const size = pieceSize(parsed, piece)
      demand(size > 0 && size <= parsed.pieceLength, 'a piece without bytes, or with too many')
      sum += size
    }
    demand(sum === parsed.size, 'pieces that do not make up the file')
    demand(createBitfield(count).length === count && isFileName(parsed.name), 'not to be worked with')
    demand(shareId(group, parsed) === shareId(group, JSON.parse(JSON.stringify(parsed))), 'a share of two names')
    return true
  },
}

const nameTarget: Target = {
  name: 'names and ids',
  valid: [name, 'café.txt', 'a b', 'alice', device, 'x'.repeat(250)],
  take(bytes) {
    const text = textOf(bytes)
    demand(!/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(showable(text)), 'shown with control characters')
    if (isId(text) || isDeviceId(text)) demand(/^[\w-]+$/.test(text), 'an id that is no single subject token')
    const parsed = parseFileName(text)
    if (!parsed.ok) return false
    const path = join('/downloads', parsed.value)
    demand(dirname(path) === '/downloads' && basename(path) === parsed.value, 'a name that leads elsewhere')
    demand(parsed.value.isWellFormed() && showable(parsed.value) === parsed.value, 'a name that cannot be shown')
    demand(Buffer.byteLength(`${parsed.value}.part`) <= 255, 'a name that no disk takes')
    return true
  },
}

const ticketTarget: Target = {
  name: 'ticket',
  valid: [encodeTicket(share, by, 1_800_000_000_000, 12), encodeTicket(share, by, 0, 0)],
  take(bytes) {
    const text = textOf(bytes)
    const ticket = decodeTicket(text)
    if (!ticket) return false
    const raw = Buffer.from(text, 'base64url')
    demand(raw.toString('base64url') === text, 'two texts for one ticket')
    demand(ticket.share.length === 32 && ticket.holder.length === 48, 'a ticket with another layout')
    return true
  },
}

const relayTarget: Target = {
  name: 'relay message',
  valid: ['\u0001\u0000\u0000\u0000\u0001', '\u0002\u0000\u0000\u0000\u0000x', '\u0005\u0000\u0000\u0000\u0000'],
  take(bytes) {
    const raw = Buffer.from(textOf(bytes), 'latin1')
    const message = decodeRelayMessage(raw)
    if (!message) return false
    demand(encodeRelayMessage(message).equals(raw), 'what was read is not what was written')
    return true
  },
}

const loginTarget: Target = {
  name: 'broker log-in and subjects',
  valid: [
    'alice',
    `alice.${device}`,
    `.guest.${'1'.repeat(32)}`,
    `shoal.read.alice.${device}.group.list`,
    '::ffff:1.2.3.4',
  ],
  take(bytes) {
    const text = textOf(bytes)
    hostIn(text)
    const address = addressOf(text)
    if (address) demand(!`${address.user}${address.device}`.includes('.'), 'an address of more tokens than two')
    demand(typeof originOf(text.slice(0, 64)) === 'string', 'an origin that is none')
    const login = fromConnect(text, 'p')
    if (!login) return false
    demand(toConnect(login).user === text, 'two texts for one log-in')
    return true
  },
}

export const targets: readonly Target[] = [
  ...requests,
  ...answers,
  ...agent,
  schemaTarget('tracker reply', trackerReplySchema, [
    { ok: true, seq: 1, result: {} },
    { ok: false, seq: 1, code: 'no-such-group', message: 'm' },
  ]),
  schemaTarget('agent reply', agentReplySchema, [
    { kind: 'progress', item: { hashedBytes: 1, size: 2 } },
    { kind: 'rows', rows: [{ id: 1 }] },
    { kind: 'end', ok: true, result: {} },
    { kind: 'end', ok: false, code: 'usage', message: 'm' },
  ]),
  schemaTarget('sign-up', signUpSchema, [{ id, user, password: 'p' }]),
  ...accountRequests,
  schemaTarget('tracker status', trackerStatusSchema, [{ name: 't1', seq: 1, digest: 'd', uptimeSeconds: 1 }]),
  schemaTarget('tracker look', trackerStatsSchema, [
    { name: 't1', requests: 1, online: 1, devices: [{ ...by, fetching: 0 }], groups: null },
    { name: 't1', requests: 1, online: 0, devices: [], groups: [{ group, owner: user, members: 1, files: 0 }] },
  ]),
  schemaTarget('beat', heartbeatSchema, [{ state: 'online', port: 1, fetching: [share] }, { state: 'leaving' }]),
  schemaTarget('notice', noticeSchema, [
    { seq: 1, group, type: 'join.requested', user },
    { seq: 1, group, type: 'file.shared', name, by, share },
    { seq: 1, group, type: 'sharing.ended' },
  ]),
  schemaTarget('cut-off', cutOffMessageSchema, [
    { by: 't1', source: { connection: 'alice.0123456789ab' }, forMs: 60_000 },
    { by: 't1', source: { connection: '.guest', origin: '10.0.0.1' }, forMs: 1 },
  ]),
  schemaTarget('attempt', attemptMessageSchema, [
    { by: 't1', what: 'guess', how: 'counted', attempt: { origin: '1.2.3.4', target: user, isKnown: false } },
  ]),
  inspectionTarget,
  logTarget,
  manifestTarget,
  nameTarget,
  ticketTarget,
  relayTarget,
  schemaTarget('introduction', introductionSchema, [{ from: by, channel: '0'.repeat(32) }]),
  loginTarget,
  schemaTarget('watching', watchingSchema, [
    { watchers: ['0123456789abcdef'.repeat(2)] },
    { watchers: [] },
    { watchers: Array(16).fill('0123456789abcdef'.repeat(2)) },
  ]),
  textTarget('head of a recording', recordingHeadSchema, [
    { shoalRecording: 1, startedAt: 0, version: '1.0.0', you: null },
    { shoalRecording: 1, startedAt: 0, version: '1.0.0', you: by },
  ]),
  textTarget('line of a recording', recordingLineSchema, [
    { type: 'message', ms: 1, subject: 's', message: head },
    { type: 'event', ms: 1, event: { type: 'alive' } },
  ]),
  ...brokerTargets,
  pageTarget,
]
