import test from 'ava'
import type { Answer, Entry, HeartbeatCommand, History, Line, Testimony } from './history.ts'
import { judge } from './judge.ts'

const by = (user: string) => ({ user, device: `${user}1` })
const line = (seq: number, user: string, ...events: HeartbeatCommand[]): Line => ({
  seq,
  id: `id-${seq}`,
  by: by(user),
  events,
})
const created: HeartbeatCommand = { type: 'group.created', group: 'reef', owner: 'ann', at: 1 }
const asked = (user: string): HeartbeatCommand => ({ type: 'join.requested', group: 'reef', user, at: 1 })
const accepted = (user: string): HeartbeatCommand => ({ type: 'join.accepted', group: 'reef', user, at: 1 })

let clock = 0
function entry(user: string, method: string, more: Partial<Entry> & { answer: Answer }): Entry {
  const from = clock++
  return { ...by(user), method, params: { group: 'reef' }, from, to: clock++, ...more }
}
const done = (seq: number, result: unknown = {}): Answer => ({ kind: 'done', seq, result })
const refused = (seq: number, code: string): Answer => ({ kind: 'refused', seq, code })
const kinds = (history: Partial<History>) =>
  judge({ entries: [], log: [], testimonies: [], deliveries: [], ...history }).violations.map(({ kind }) => kind)

const log = [line(1, 'ann', created), line(2, 'bob', asked('bob')), line(3, 'ann', accepted('bob'))]
const create = entry('ann', 'group.create', { id: 'id-1', answer: done(1) })
const members = (...names: string[]) => names.map((user, index) => ({ user, role: index === 0 ? 'owner' : 'member' }))

test('A history in which every promise was kept has no violations.', t => {
  const entries = [
    create,
    entry('bob', 'group.join', { id: 'id-2', answer: done(2) }),
    entry('ann', 'group.accept', { id: 'id-3', params: { group: 'reef', user: 'bob' }, answer: done(4) }),
    entry('bob', 'group.members', { answer: done(3, members('ann', 'bob')) }),
    entry('bob', 'group.list', {
      params: {},
      answer: done(3, [{ group: 'reef', owner: 'ann', members: 2, you: 'member' }]),
    }),
    entry('cat', 'group.files', { id: 'id-9', answer: refused(3, 'not-member') }),
    entry('cat', 'group.join', { id: 'id-10', answer: { kind: 'maybe', code: 'no-quorum' } }),
  ]
  const judgement = judge({ entries, log, testimonies: [], deliveries: [] })
  t.deepEqual(judgement.violations, [])
  t.deepEqual([judgement.acknowledged, judgement.lost, judgement.reads, judgement.maybe], [3, 0, 2, 1])
})

test('An acknowledged write that is not in the log is lost.', t => {
  const entries = [create, entry('bob', 'group.join', { id: 'gone', answer: done(2) })]
  t.deepEqual(kinds({ entries, log: log.slice(0, 1) }), ['acknowledged write lost'])
})

test('A write is acknowledged too early when the answer’s sequence is lower than its own.', t => {
  const early = { ...create, answer: done(0) }
  t.deepEqual(kinds({ entries: [early], log }), ['acknowledged before it was there'])
})

test('A write may be acknowledged without an entry in the log if there was nothing to do.', t => {
  const answer = done(3)
  const params = { group: 'reef', user: 'ann' }
  t.deepEqual(kinds({ entries: [entry('ann', 'group.transfer', { id: 'none', params, answer })], log }), [])
  const other = { group: 'reef', user: 'bob' }
  t.deepEqual(kinds({ entries: [entry('ann', 'group.transfer', { id: 'none', params: other, answer })], log }), [
    'acknowledged write lost',
  ])
})

test('A refused write that is in the log is a violation.', t => {
  const entries = [entry('bob', 'group.join', { id: 'id-2', answer: refused(2, 'already-requested') })]
  t.deepEqual(kinds({ entries, log }), ['refused write present'])
})

test('One request with two entries acted twice.', t => {
  const left: HeartbeatCommand = { type: 'member.left', group: 'reef', user: 'bob' }
  const again = [...log, line(4, 'bob', left), { ...line(5, 'bob', asked('bob')), id: 'id-2' }]
  t.deepEqual(kinds({ log: again }), ['acted twice'])
})

test('A refusal is justified only by a state for which the rules give it.', t => {
  const refusal = (code: string) =>
    kinds({ entries: [entry('bob', 'group.join', { id: 'no', answer: refused(3, code) })], log })
  t.deepEqual(refusal('already-member'), [])
  t.deepEqual(refusal('not-owner'), ['refused without reason'])
})

test('A read from before what its device had seen is a violation, and only for that device.', t => {
  const old = done(3, members('ann'))
  const saw = entry('ann', 'group.accept', { id: 'id-3', params: { group: 'reef', user: 'bob' }, answer: done(3) })
  t.deepEqual(kinds({ entries: [saw, entry('ann', 'group.members', { answer: old })], log }), ['read went back'])
  t.deepEqual(kinds({ entries: [saw, entry('bob', 'group.members', { answer: old })], log }), [])
})

test('An answer from before what its device had seen is a violation, whatever it says.', t => {
  const saw = entry('ann', 'group.accept', { id: 'id-3', params: { group: 'reef', user: 'bob' }, answer: done(3) })
  const entries = [saw, entry('ann', 'group.files', { answer: done(2, []) })]
  t.true(kinds({ entries, log }).includes('answered from behind'))
})

test('A user who left shares nothing, and a file without sharers is gone, whether or not the log spells it out.', t => {
  const shares = (name: string, ...users: string[]): HeartbeatCommand[] => [
    { type: 'share.created', group: 'reef', manifest: { name, sha1: 'x' } },
    ...users.map(user => ({ type: 'sharer.added', group: 'reef', name, ...by(user) })),
  ]
  const left: HeartbeatCommand = { type: 'member.left', group: 'reef', user: 'bob' }
  const spelledOut: HeartbeatCommand[] = [
    { type: 'sharer.removed', group: 'reef', name: 'f', ...by('bob') },
    { type: 'share.ended', group: 'reef', name: 'f' },
    { type: 'sharer.removed', group: 'reef', name: 'g', ...by('bob') },
  ]
  const shared = [...log, line(4, 'bob', ...shares('f', 'bob')), line(5, 'bob', ...shares('g', 'bob', 'ann'))]
  const files = (...rows: unknown[]) => entry('ann', 'group.files', { answer: done(6, rows) })
  const saw = entry('ann', 'group.members', { answer: done(6, members('ann')) })
  for (const events of [[left], [...spelledOut, left]]) {
    const history = [...shared, line(6, 'bob', ...events)]
    t.deepEqual(kinds({ entries: [saw, files({ name: 'g', sha1: 'x', sharers: ['ann'] })], log: history }), [])
    const stale = files({ name: 'f', sha1: 'x', sharers: ['bob'] }, { name: 'g', sha1: 'x', sharers: ['bob', 'ann'] })
    t.deepEqual(kinds({ entries: [saw, stale], log: history }), ['read went back'])
  }
})

test('A list must be true of all groups at one moment.', t => {
  const two = [
    line(1, 'ann', created),
    line(2, 'bob', { ...created, group: 'kelp', owner: 'bob' }),
    line(3, 'ann', { type: 'member.left', group: 'reef', user: 'ann' }, { type: 'group.ended', group: 'reef' }),
  ]
  const row = (group: string, owner: string) => ({ group, owner, members: 1, you: 'none' })
  const list = (...rows: unknown[]) =>
    kinds({ entries: [entry('cat', 'group.list', { params: {}, answer: done(3, rows) })], log: two })
  t.deepEqual(list(row('reef', 'ann'), row('kelp', 'bob')), [])
  t.deepEqual(list(row('kelp', 'bob')), [])
  t.deepEqual(list(row('kelp', 'ann')), ['read what never was'])
})

const brokenRules: Record<string, Line[]> = {
  'a group made twice': [line(1, 'ann', created), line(2, 'bob', { ...created, owner: 'bob' })],
  'somebody accepted who did not ask': [line(1, 'ann', created), line(2, 'ann', accepted('bob'))],
  'an acceptance by somebody else than the owner': [...log.slice(0, 2), line(3, 'bob', accepted('bob'))],
  'a member removed by a stranger': [...log, line(4, 'cat', { type: 'member.removed', group: 'reef', user: 'bob' })],
  'an owner who left and is still the owner': [
    ...log,
    line(4, 'ann', { type: 'member.left', group: 'reef', user: 'ann' }),
  ],
  'a share by a stranger': [
    line(1, 'ann', created),
    line(
      2,
      'bob',
      { type: 'share.created', group: 'reef', manifest: { name: 'f', sha1: 'x' } },
      { type: 'sharer.added', group: 'reef', name: 'f', ...by('bob') },
    ),
  ],
  'a second account of one name': [
    line(1, 'ann', { type: 'account.created', user: 'ann' }),
    line(2, 'ann', { type: 'account.created', user: 'ann' }),
  ],
}
for (const [what, broken] of Object.entries(brokenRules))
  test(`In the log, ${what} breaks a rule.`, t => t.true(kinds({ log: broken }).includes('rule broken')))

test('A command whose request id is unknown is checked against the log, and each entry justifies one command.', t => {
  const { id: _, ...unknown } = create
  const answer = { kind: 'done' } as const
  t.deepEqual(kinds({ entries: [{ ...unknown, answer }], log }), [])
  t.deepEqual(
    kinds({
      entries: [
        { ...unknown, answer },
        { ...unknown, answer },
      ],
      log,
    }),
    ['acknowledged write lost'],
  )
})

test('Trackers that are behind the log, have another digest, or answer something else differ.', t => {
  const read = { user: 'ann', method: 'group.members', params: { group: 'reef' }, result: members('ann', 'bob') }
  const right: Testimony = { tracker: 't1', seq: 3, digest: 'd', isDigestTrue: true, reads: [read], unanswered: [] }
  t.deepEqual(kinds({ log, testimonies: [right, { ...right, tracker: 't2' }] }), [])
  for (const wrong of [
    { seq: 2 },
    { digest: 'e' },
    { isDigestTrue: false },
    { reads: [{ ...read, result: members('ann') }] },
    { unanswered: ['group.list {} of ann: "silence"'] },
  ])
    t.deepEqual(kinds({ log, testimonies: [right, { ...right, tracker: 't2', ...wrong }] }), ['trackers differ'])
})

test('A file with bytes other than those shared is a violation.', t => {
  const delivery = { device: 'ann/1', name: 'f', expected: 'aa' }
  t.deepEqual(kinds({ deliveries: [{ ...delivery, found: 'aa' }] }), [])
  t.deepEqual(kinds({ deliveries: [{ ...delivery, found: 'bb' }] }), ['download differs'])
})
