import test from 'ava'
import fc from 'fast-check'
import { grantFor } from '../../../src/actors/tracker/permissions.ts'
import { isDeviceId, isId } from '../../../src/domain/names.ts'
import {
  accountSubject,
  apiSubject,
  guestInboxPrefix,
  inboxPrefix,
  inspectSubject,
  introductionSubject,
  noticeSubject,
  operatorAsking,
  operatorSubject,
  passwordVersionSubject,
  presenceSubject,
  relaySubject,
  signUpSubject,
  trackerInspected,
  trackersStats,
  trackersStatus,
  watchAllSubject,
  watchSubject,
} from '../../../src/wire/subjects.ts'

const credential = 'c'.repeat(43)
const alice = { user: 'alice', device: 'a'.repeat(12) }
const bob = { user: 'bob', device: 'b'.repeat(12) }
const host = '10.0.0.7'
const device = grantFor({ kind: 'device', ...alice, credential }, host)

/** NATS's own rule: `*` is one token, a last `>` is one or more. */
function matches(pattern: string, subject: string): boolean {
  const tokens = subject.split('.')
  const wanted = pattern.split('.')
  const rest = wanted.at(-1) === '>'
  if (rest ? tokens.length < wanted.length : tokens.length !== wanted.length) return false
  return wanted.every((want, i) => want === '*' || (rest && i === wanted.length - 1) || want === tokens[i])
}
const may = (patterns: readonly string[], subject: string) => patterns.some(pattern => matches(pattern, subject))

test('A device may publish on its own subjects, and send heartbeats in its own name.', t => {
  const own = [
    apiSubject(alice, 'write', 'group.create'),
    apiSubject(alice, 'read', 'group.list'),
    trackersStatus(alice),
    trackersStats(alice),
    presenceSubject(alice, host),
    inspectSubject(alice, 'download.1'),
  ]
  for (const subject of own) t.true(may(device.publish, subject), subject)
})

test('A device of a disabled account may ask the trackers and hear their answer, and nothing else.', t => {
  const barred = grantFor({ kind: 'disabled', ...alice }, host)
  t.deepEqual(barred.publish, [apiSubject(alice, 'read', '>'), apiSubject(alice, 'write', '>')])
  t.deepEqual(barred.subscribe, [`${inboxPrefix('alice')}.>`])
  t.is(barred.name, device.name, 'so that enabling the account can close its connections')
})

test('Nobody but a tracker may publish what the operator asks.', t => {
  const logins = [
    { kind: 'guest', nonce: 'n' },
    { kind: 'password', user: 'alice', version: 'v' },
    { kind: 'device', ...alice, credential },
    { kind: 'disabled', ...alice },
    { kind: 'relay', ...alice, credential },
    { kind: 'watch', ...alice, expiresAt: 1, proof: 'p' },
    { kind: 'operator', expiresAt: 1, proof: 'p' },
  ] as const
  for (const login of logins) t.false(may(grantFor(login, host).publish, operatorSubject('user.disable')), login.kind)
})

test('A device may hear its own inbox, notices, introductions and machines.', t => {
  const own = [
    `${inboxPrefix('alice')}.x.1`,
    noticeSubject('alice'),
    introductionSubject(alice),
    inspectSubject({ ...alice, device: 'z'.repeat(12) }, 'download.1'),
  ]
  for (const subject of own) t.true(may(device.subscribe, subject), subject)
})

test('A device cannot publish on subjects of other users, the log, JetStream or the brokers.', t => {
  const others = [
    apiSubject(bob, 'write', 'group.create'),
    apiSubject({ ...alice, device: bob.device }, 'write', 'group.create'),
    trackersStatus(bob),
    `shoal.agent.bob.${bob.device}.download`,
    `shoal.agent.alice.${alice.device}.download`,
    presenceSubject(bob, host),
    presenceSubject(alice, '10.0.0.8'),
    relaySubject(bob, bob, 'channel'),
    // Relayed bytes have a connection of their own.
    relaySubject(bob, alice, 'channel'),
    introductionSubject(bob),
    introductionSubject(alice),
    inspectSubject(bob, 'x'),
    inspectSubject(trackerInspected('t1'), 'x'),
    watchSubject(bob),
    watchAllSubject,
    `${inboxPrefix('bob')}.x`,
    // Only trackers answer there.
    `${inboxPrefix('alice')}.x`,
    `${inboxPrefix('alice2')}.x`,
    '_INBOX.x',
    'shoal.event.group.g',
    '$JS.API.STREAM.INFO.SHOAL',
    '$SYS.REQ.USER.AUTH',
    '$SYS.REQ.SERVER.PING',
    signUpSubject(host),
    passwordVersionSubject('alice', host),
    accountSubject('alice', 'v'.repeat(16), 'log-in', host),
    noticeSubject('alice'),
  ]
  for (const subject of others) t.false(may(device.publish, subject), subject)
})

test('A guest may sign up and hear its own inbox; a password decides about its account, under its own version alone.', t => {
  const guest = grantFor({ kind: 'guest', nonce: '0'.repeat(32) }, host)
  t.deepEqual(guest.publish, [signUpSubject(host)])
  t.deepEqual(guest.subscribe, [`${guestInboxPrefix('0'.repeat(32))}.>`])
  const password = grantFor({ kind: 'password', user: 'alice', version: 'v1' }, host)
  t.true(may(password.publish, passwordVersionSubject('alice', host)))
  t.true(may(password.publish, accountSubject('alice', 'v1', 'log-in', host)))
  for (const subject of [
    accountSubject('alice', 'v2', 'log-in', host),
    accountSubject('alice', 'v1', 'log-in', '10.9.9.9'),
    accountSubject('bob', 'v1', 'log-in', host),
    passwordVersionSubject('alice', '10.9.9.9'),
    passwordVersionSubject('bob', host),
    apiSubject(alice, 'write', 'group.create'),
  ])
    t.false(may(password.publish, subject), subject)
  t.deepEqual(password.subscribe, [`${inboxPrefix('alice')}.>`])
})

test('A watcher may hear its own devices and the trackers, and publish nothing.', t => {
  const watch = grantFor({ kind: 'watch', ...alice, expiresAt: 5, proof: '' }, host)
  t.deepEqual(watch.publish, [])
  t.is(watch.endsAt, 5)
  t.is(watch.name, device.name)
  t.true(may(watch.subscribe, inspectSubject({ ...alice, device: 'z'.repeat(12) }, 'x')))
  t.true(may(watch.subscribe, inspectSubject(trackerInspected('t1'), 'x')))
  for (const subject of [
    inspectSubject(bob, 'x'),
    `${inboxPrefix('alice')}.x`,
    noticeSubject('alice'),
    'shoal.event.x',
  ])
    t.false(may(watch.subscribe, subject), subject)
})

test('A relay login may write to others in its own name, hear what they write to it, and nothing else.', t => {
  const relay = grantFor({ kind: 'relay', ...alice, credential }, host)
  t.is(relay.name, device.name)
  t.true(may(relay.publish, relaySubject(bob, alice, 'c')))
  t.true(may(relay.subscribe, relaySubject(alice, bob, 'c')))
  for (const subject of [relaySubject(alice, bob, 'c'), relaySubject(bob, { ...alice, device: bob.device }, 'c')])
    t.false(may(relay.publish, subject), subject)
  for (const subject of [relaySubject(bob, alice, 'c'), relaySubject({ ...alice, device: bob.device }, bob, 'c')])
    t.false(may(relay.subscribe, subject), subject)
  const foreign = [
    introductionSubject(alice),
    noticeSubject('alice'),
    `${inboxPrefix('alice')}.x`,
    presenceSubject(alice, host),
  ]
  for (const subject of [
    ...foreign,
    apiSubject(alice, 'read', 'group.list'),
    '_INBOX.x',
    'shoal.event.group.g',
    '$SYS.x',
  ])
    t.false(may([...relay.publish, ...relay.subscribe], subject), subject)
})

test('The operator may hear the machines of all users, and nothing else.', t => {
  const operator = grantFor({ kind: 'operator', expiresAt: 5, proof: '' }, host)
  t.deepEqual(operator.publish, [])
  t.true(may(operator.subscribe, inspectSubject(bob, 'x')))
  for (const subject of [
    `${inboxPrefix('alice')}.x`,
    'shoal.event.x',
    relaySubject(alice, bob, 'c'),
    introductionSubject(bob),
    '$SYS.x',
  ])
    t.false(may(operator.subscribe, subject), subject)
})

test('Two users can hear a common subject only if it concerns everyone, and can publish on none in common.', t => {
  const id = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,9}$/).filter(isId)
  const deviceId = fc.stringMatching(/^[a-z0-9]{12}$/).filter(isDeviceId)
  fc.assert(
    fc.property(id, id, deviceId, deviceId, (one, other, oneDevice, otherDevice) => {
      fc.pre(one !== other)
      const a = grantFor({ kind: 'device', user: one, device: oneDevice, credential }, host)
      const b = grantFor({ kind: 'device', user: other, device: otherDevice, credential }, host)
      const example = (pattern: string) => pattern.replaceAll('*', 'x').replace('>', 'x.y')
      const forAll = [watchAllSubject, inspectSubject(trackerInspected('*'), '>')]
      for (const pattern of a.subscribe.filter(each => !forAll.includes(each)))
        t.false(may(b.subscribe, example(pattern)), pattern)
      for (const pattern of a.publish) t.false(may(b.publish, example(pattern)), pattern)
    }),
  )
})

test('No device may ask for tracker stats in the name of the operator or of another user.', t => {
  t.false(isId(operatorAsking.user))
  for (const whom of [operatorAsking, bob]) t.false(may(device.publish, trackersStats(whom)), whom.user)
})
