import test from 'ava'
import { downloadTunables } from '../../config/swarm.ts'
import { createBitfield, fullBitfield } from '../../src/domain/bitfield.ts'
import { createLedger, creditDelivery, endSession, openLedger } from '../../src/machines/download-ledger.ts'
import type { DownloadInput } from '../../src/machines/download-protocol.ts'
import { selectPeers } from '../../src/machines/peer-selection.ts'
import type { SwarmPeer } from '../../src/wire/tracker-api.ts'
import { manifestOf } from '../helpers/manifest-of.ts'

const manifest = manifestOf('film.bin', Buffer.alloc(4 * 512 * 1024))
const input: DownloadInput = {
  spec: { id: 1, group: 'reef', name: 'film.bin', share: 'f'.repeat(32), manifest, path: '/x', overwrite: false },
  spent: { seconds: 0, fetchedBytes: 0, deliveries: [] },
  now: () => 0,
  running: () => 1,
}
const peer = (user: string): SwarmPeer => ({
  user,
  device: 'aaaaaaaaaaaa',
  host: '192.0.2.1',
  port: 1,
  complete: true,
  ticket: { identity: 'i', key: 'k'.repeat(43) },
})
const keyOf = (user: string) => `${user}/aaaaaaaaaaaa`
const many = Array.from({ length: downloadTunables.maxPeers }, (_, index) => `peer${index}`)

function openSelection() {
  const ledger = createLedger(input)
  openLedger(ledger, input, createBitfield(4))
  /** The steps, shortest first by what they are: "open bob". */
  const select = (users: readonly string[], nowMs = 0) =>
    selectPeers(ledger, users.map(peer), nowMs, () => 0).map(({ type, key }) => `${type} ${key.split('/')[0]}`)
  const joins = (user: string) => {
    ledger.sessions.get(keyOf(user))!.state = 'ready'
    ledger.picker!.peerJoined(keyOf(user), fullBitfield(4))
  }
  return { ledger, select, joins }
}

test('A new peer is opened, a known one refreshed, and one that left the swarm stopped unless it is ready.', t => {
  const { select, joins } = openSelection()
  t.deepEqual(select(['alice', 'bob', 'carol']), ['open alice', 'open bob', 'open carol'])
  joins('alice')
  t.deepEqual(select(['carol']), ['stop bob', 'refresh carol'])
})

test('A dropped peer is never opened, and one whose sessions keep ending only after its wait.', t => {
  const { ledger, select } = openSelection()
  ledger.dropped.add(keyOf('mallory'))
  select(['alice'])
  endSession(ledger, keyOf('alice'), 0)
  t.deepEqual(select(['mallory', 'alice']), ['open alice'], 'at once the first time')
  endSession(ledger, keyOf('alice'), 0)
  const { retryAtMs } = ledger.retries.get(keyOf('alice'))!
  t.true(retryAtMs > 0)
  t.deepEqual(select(['alice'], retryAtMs - 1), [])
  t.deepEqual(select(['alice'], retryAtMs), ['open alice'])
  creditDelivery(ledger, keyOf('alice'), 0, 1, 0)
  endSession(ledger, keyOf('alice'), 0)
  t.deepEqual(select(['alice']), ['open alice'], 'a right piece ends the row')
})

test('With no room, idle sessions give way to untried peers, a few at each look-up; a delivering one stays.', t => {
  const { ledger, select, joins } = openSelection()
  select(many)
  for (const user of many) joins(user)
  const late = Array.from({ length: downloadTunables.maxPeers }, (_, index) => `late${index}`)
  t.false(
    select([...many, ...late]).some(step => step.startsWith('stop')),
    'each has one look-up to deliver',
  )
  creditDelivery(ledger, keyOf('peer0'), 0, 1, 0)
  const steps = select([...many, ...late])
  t.is(steps.filter(step => step.startsWith('stop')).length, downloadTunables.givingWayAtOnce)
  t.false(steps.includes('stop peer0'))
  t.is(ledger.sessions.size, downloadTunables.maxPeers)
})

test('A peer that fetches from us gets a session even when all are in use.', t => {
  const { ledger, select, joins } = openSelection()
  select(many)
  for (const user of many) joins(user)
  for (const user of many) ledger.fetchers.add(keyOf(user))
  ledger.fetchers.delete(keyOf('peer3'))
  ledger.fetchers.add(keyOf('bob'))
  t.true(select([...many, 'bob']).includes('open bob'))
  t.false(ledger.sessions.has(keyOf('peer3')), 'the only one that does not fetch from us')
  t.is(ledger.sessions.size, downloadTunables.maxPeers)
})
