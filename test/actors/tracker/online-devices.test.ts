import test from 'ava'
import { OnlineDevices, offlineAfterMs } from '../../../src/actors/tracker/online-devices.ts'

const device = { user: 'ann', device: 'a'.repeat(12) }
const heartbeat = { state: 'online' as const, port: 4000, fetching: ['f'.repeat(32)] }

function fixture() {
  let now = 0
  const online = new OnlineDevices(() => now)
  return { online, pass: (ms: number) => (now += ms) }
}

test('A device is online from its first heartbeat until it has missed three.', t => {
  const { online, pass } = fixture()
  t.is(online.find(device), undefined)
  online.noteHeartbeat(device, '10.0.0.7', heartbeat)
  t.like(online.find(device), { ...device, host: '10.0.0.7', port: 4000, fetching: heartbeat.fetching })
  pass(offlineAfterMs)
  t.is(online.all().length, 1)
  pass(1)
  t.is(online.find(device), undefined)
  t.deepEqual(online.all(), [])
})

test('A later heartbeat updates the device’s address and what it fetches.', t => {
  const { online, pass } = fixture()
  online.noteHeartbeat(device, '10.0.0.7', heartbeat)
  pass(offlineAfterMs)
  online.noteHeartbeat(device, '10.0.0.8', { ...heartbeat, fetching: [] })
  pass(1)
  t.like(online.find(device), { host: '10.0.0.8', fetching: [] })
})

test('A device that leaves is offline at once, and the user’s other device stays online.', t => {
  const { online } = fixture()
  const other = { ...device, device: 'b'.repeat(12) }
  online.noteHeartbeat(device, '10.0.0.7', heartbeat)
  online.noteHeartbeat(other, '10.0.0.7', heartbeat)
  online.noteHeartbeat(device, '10.0.0.7', { state: 'leaving' })
  t.is(online.find(device), undefined)
  t.truthy(online.find(other))
})

test('Devices are found by their user and by what they fetch, for as long as either is so.', t => {
  const { online, pass } = fixture()
  const [reef, kelp] = ['f'.repeat(32), 'e'.repeat(32)]
  const other = { user: 'bo', device: 'b'.repeat(12) }
  const found = () =>
    [reef, kelp].map(share =>
      online
        .fetching(share)
        .map(({ user }) => user)
        .sort(),
    )
  online.noteHeartbeat(device, '10.0.0.7', { ...heartbeat, fetching: [reef, kelp, reef] })
  online.noteHeartbeat(other, '10.0.0.8', { ...heartbeat, fetching: [kelp] })
  t.deepEqual(found(), [['ann'], ['ann', 'bo']])
  online.noteHeartbeat(device, '10.0.0.7', { ...heartbeat, fetching: [kelp] })
  t.deepEqual(found(), [[], ['ann', 'bo']])
  t.deepEqual(
    online.of('ann').map(({ host }) => host),
    ['10.0.0.7'],
  )
  online.noteHeartbeat(device, '10.0.0.7', { state: 'leaving' })
  t.deepEqual([...found(), online.of('ann')], [[], ['bo'], []])
  pass(offlineAfterMs + 1)
  t.deepEqual(found(), [[], []])
  online.forgetSilent()
  online.noteHeartbeat(other, '10.0.0.8', { ...heartbeat, fetching: [] })
  t.deepEqual(found(), [[], []])
})

test('A silent device is forgotten, and the others stay.', t => {
  const { online, pass } = fixture()
  const other = { ...device, user: 'bo' }
  online.noteHeartbeat(device, '10.0.0.7', heartbeat)
  pass(offlineAfterMs)
  online.noteHeartbeat(other, '10.0.0.7', heartbeat)
  pass(1)
  online.forgetSilent()
  t.deepEqual(
    online.all().map(({ user }) => user),
    ['bo'],
  )
})
