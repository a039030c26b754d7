import test from 'ava'
import {
  sourceKey,
  sourceOfConnection,
  sourceOfDevice,
  sourceOfGuest,
  sourceOfPassword,
} from '../../../src/actors/tracker/message-source.ts'
import { grantFor } from '../../../src/actors/tracker/permissions.ts'
import type { BrokerLogin } from '../../../src/wire/broker-login.ts'
import {
  accountSubject,
  apiSubject,
  operatorAsking,
  passwordVersionSubject,
  presenceSubject,
  signUpSubject,
  trackersStats,
  trackersStatus,
  watchAllSubject,
  watchSubject,
} from '../../../src/wire/subjects.ts'

const host = '10.0.0.1'
const alice = { user: 'alice', device: 'a1b2c3d4e5f6' }
const logins = {
  device: { kind: 'device', ...alice, credential: 'c' },
  password: { kind: 'password', user: 'alice', password: 'p' },
  guest: { kind: 'guest', nonce: '0'.repeat(32) },
} as const satisfies Record<string, BrokerLogin>

test('A message counts as its connection’s, under the name by which brokers find that connection.', t => {
  const subjects = {
    device: [
      apiSubject(alice, 'read', 'group.list'),
      apiSubject(alice, 'write', 'group.create'),
      presenceSubject(alice, host),
      trackersStatus(alice),
      trackersStats(alice),
      watchSubject(alice),
    ].map(sourceOfDevice),
    password: [
      sourceOfPassword(passwordVersionSubject('alice', host)),
      sourceOfPassword(accountSubject('alice', 'v', 'log-in', host)),
    ],
    guest: [sourceOfGuest(signUpSubject(host))],
  }
  for (const [kind, login] of Object.entries(logins)) {
    const connection = sourceOfConnection(login, host)!
    t.is(connection.connection, grantFor(login.kind === 'password' ? { ...login, version: 'v' } : login, host).name)
    for (const source of subjects[kind as keyof typeof subjects]) t.deepEqual(source, connection, kind)
  }
})

test('A device’s connection for relayed bytes counts as the device.', t => {
  const relay = sourceOfConnection({ ...logins.device, kind: 'relay' }, host)
  t.deepEqual(relay, sourceOfConnection(logins.device, host))
})

test('Sources differ by device, user, kind and origin.', t => {
  const sources = [
    ...Object.values(logins).map(login => sourceOfConnection(login, host)!),
    sourceOfConnection({ ...logins.device, device: 'f'.repeat(12) }, host)!,
    sourceOfConnection({ ...logins.password, user: 'bob' }, host)!,
    sourceOfConnection(logins.password, '10.0.0.2')!,
    sourceOfConnection(logins.guest, '10.0.0.2')!,
  ]
  t.is(new Set(sources.map(sourceKey)).size, sources.length)
})

test('A device is one source wherever it connects from.', t => {
  t.deepEqual(sourceOfConnection(logins.device, '10.0.0.2'), sourceOfConnection(logins.device, host))
})

test('Subjects that no device may use have no source, and the operator’s have one.', t => {
  for (const subject of [
    'shoal.read',
    'shoal.read.a b.a1b2c3d4e5f6.x',
    'shoal.read.alice.x.y',
    'shoal.watch.$x.000000000000',
  ])
    t.is(sourceOfDevice(subject), undefined, subject)
  for (const subject of [watchAllSubject, trackersStats(operatorAsking)]) t.truthy(sourceOfDevice(subject), subject)
  t.is(sourceOfPassword('shoal.password.a b.00'), undefined)
})
