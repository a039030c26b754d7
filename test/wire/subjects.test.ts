import test from 'ava'
import fc from 'fast-check'
import * as subjects from '../../src/wire/subjects.ts'

const alice = { user: 'alice', device: 'aaaaaaaaaaaa' }
const bob = { user: 'bob', device: 'bbbbbbbbbbbb' }

/** NATS's own rule: `*` is one token, `>` one or more at the end. */
function isMatch(pattern: string, subject: string): boolean {
  const tokens = subject.split('.')
  const wanted = pattern.split('.')
  if (wanted.at(-1) === '>')
    return tokens.length >= wanted.length && wanted.slice(0, -1).every((w, i) => w === '*' || w === tokens[i])
  return tokens.length === wanted.length && wanted.every((w, i) => w === '*' || w === tokens[i])
}

test('A request’s subject names its sender, whatever the method.', t => {
  t.deepEqual(subjects.addressOf(subjects.apiSubject(alice, 'write', 'group.create')), {
    ...alice,
    rest: 'group.create',
  })
  t.deepEqual(subjects.addressOf(subjects.presenceSubject(alice, '::1')), { ...alice, rest: '3a3a31' })
  t.deepEqual(subjects.addressOf(subjects.trackersStatus(alice)), { ...alice, rest: '' })
  t.deepEqual(subjects.addressOf(subjects.relaySubject(bob, alice, 'c1')), { ...bob, rest: 'alice.aaaaaaaaaaaa.c1' })
})

test('A subject with too few tokens has no address.', t => {
  for (const subject of ['', 'shoal', 'shoal.read', 'shoal.read.alice', 'shoal.notice.alice'])
    t.is(subjects.addressOf(subject), undefined)
})

test('Every subject matches its own subscription, and no other.', t => {
  const rooms: [string, string][] = [
    [subjects.apiSubject(alice, 'write', 'group.create'), subjects.anyApi('write')],
    [subjects.apiSubject(alice, 'read', 'group.list'), subjects.anyApi('read')],
    [subjects.passwordVersionSubject('alice', '10.0.0.1'), subjects.anyPasswordVersion],
    [subjects.accountSubject('alice', 'v', 'delete', '10.0.0.1'), subjects.anyAccountRequest],
    [subjects.trackersStatus(alice), subjects.anyTrackersStatus],
    [subjects.presenceSubject(alice, '10.0.0.1'), subjects.anyPresence],
    [subjects.userEvents('alice'), subjects.logSubjects],
    [subjects.relaySubject(alice, bob, 'c1'), subjects.relayedTo(alice)],
    [subjects.relaySubject(bob, alice, 'c1'), subjects.relayedFrom(alice)],
    [subjects.introductionSubject(alice), subjects.introductionSubject(alice)],
  ]
  for (const [subject] of rooms)
    t.deepEqual(
      rooms.filter(([, pattern]) => isMatch(pattern, subject)).map(([own]) => own),
      [subject],
    )
  t.true(isMatch(subjects.logSubjects, subjects.groupEvents('g')))
  t.false(isMatch(subjects.relayedTo(bob), subjects.relaySubject(alice, bob, 'c1')))
  t.false(isMatch(subjects.relayedFrom(alice), subjects.relaySubject(alice, bob, 'c1')))
})

test('No two users share an inbox, and no user shares one with a guest.', t => {
  const nonce = '0123456789abcdef0123456789abcdef'
  const prefixes = [subjects.inboxPrefix('alice'), subjects.inboxPrefix('alice2'), subjects.guestInboxPrefix(nonce)]
  for (const prefix of prefixes)
    t.is(prefixes.filter(other => isMatch(`${other}.>`, `${prefix}.reply`)).length, 1, prefix)
})

test('An address of any kind is one token of a presence subject.', t => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string({ minLength: 1 })), host => {
      const subject = subjects.presenceSubject(alice, host)
      const { rest } = subjects.addressOf(subject)!
      return isMatch(subjects.anyPresence, subject) && Buffer.from(rest, 'hex').equals(Buffer.from(host))
    }),
  )
  t.pass()
})
