import { createHash, randomBytes } from 'node:crypto'
import test from 'ava'
import { introductionTunables } from '../../../config/tracker.ts'
import { createIntroductions } from '../../../src/actors/tracker/introductions.ts'
import { OnlineDevices } from '../../../src/actors/tracker/online-devices.ts'
import { type DeviceRef, deviceKey } from '../../../src/domain/device-ref.ts'
import type { ClusterSecrets } from '../../../src/wire/cluster-secrets.ts'
import { introductionProof } from '../../../src/wire/introduction.ts'
import { introductionSubject } from '../../../src/wire/subjects.ts'
import { deviceTicketKey, encodeTicket, keyTagOf, ticketPsk } from '../../../src/wire/ticket.ts'

const alice: DeviceRef = { user: 'alice', device: 'aaaaaaaaaaaa' }
const bob: DeviceRef = { user: 'bob', device: 'bbbbbbbbbbbb' }
const eve: DeviceRef = { user: 'eve', device: 'eeeeeeeeeeee' }
const share = '0'.repeat(32)
const channel = '0123456789abcdef'.repeat(2)
const current = randomBytes(32)
const next = randomBytes(32)
const credentialHashOf = (device: DeviceRef) => createHash('sha256').update(deviceKey(device)).digest('hex')

function fixture() {
  const published: { subject: string; said: unknown }[] = []
  const clock = { nowMs: 0 }
  const online = new OnlineDevices(() => clock.nowMs)
  const beat = (device: DeviceRef) =>
    online.noteHeartbeat(device, '10.0.0.1', { state: 'online', port: 7000, fetching: [] })
  beat(alice)
  const loggedIn = new Set([alice, bob, eve].map(deviceKey))
  const secrets = {
    ticketSecret: current.toString('base64url'),
    next: { ticketSecret: next.toString('base64url') },
  } as ClusterSecrets
  const queries = createIntroductions(
    {
      online,
      secrets,
      projection: {
        credentialHash: device => (loggedIn.has(deviceKey(device)) ? credentialHashOf(device) : undefined),
      },
      connections: {
        log: { publish: (subject, json) => void published.push({ subject, said: JSON.parse(String(json)) }) },
      },
    },
    () => clock.nowMs,
  )
  return { published, clock, online, beat, loggedIn, introduce: queries['swarm.introduce'] }
}

interface Made {
  readonly holder?: DeviceRef
  readonly from?: DeviceRef
  readonly secret?: Buffer
  readonly expiresAt?: number
}

/** A request with a ticket as a tracker makes them. */
function request({ holder = bob, from = alice, secret = current, expiresAt = Date.now() + 60_000 }: Made = {}) {
  const ticketKey = deviceTicketKey(secret, from, credentialHashOf(from))
  const identity = encodeTicket(share, holder, expiresAt, 1, 0, keyTagOf(ticketKey))
  return { to: alice, identity, channel, proof: introductionProof(ticketPsk(ticketKey, identity), channel) }
}

test('The holder of a ticket is introduced to the device that it is for, by the secrets of a rotation, too.', t => {
  for (const secret of [current, next]) {
    const { published, introduce } = fixture()
    t.true(introduce(request({ secret }), bob).ok)
    t.deepEqual(published, [{ subject: introductionSubject(alice), said: { from: bob, channel } }])
  }
})

test('Without a valid ticket for that device no one is introduced.', t => {
  const right = request()
  const claims = {
    "another's ticket": right,
    'an expired ticket': request({ holder: eve, expiresAt: Date.now() - 1 }),
    'a ticket for another device': request({ holder: eve, from: bob }),
    'a ticket by a secret that is not ours': request({ holder: eve, secret: randomBytes(32) }),
    "a ticket whose key one does not know, with the proof of one's own": {
      ...request({ holder: eve }),
      proof: right.proof,
    },
    'a proof for another channel': { ...request({ holder: eve }), channel: 'f'.repeat(32) },
    'a proof that is none': { ...request({ holder: eve }), proof: '' },
    'what is no ticket': { ...request({ holder: eve }), identity: 'ticket' },
  }
  for (const [what, claim] of Object.entries(claims)) {
    const { published, introduce } = fixture()
    t.like(introduce(claim, eve), { ok: false, code: 'bad-credentials' }, what)
    t.deepEqual(published, [], what)
  }
})

test('A device that logged out, or is not online, is not told.', t => {
  const { published, clock, loggedIn, introduce } = fixture()
  loggedIn.delete(deviceKey(alice))
  t.like(introduce(request(), bob), { ok: false, code: 'bad-credentials' })
  loggedIn.add(deviceKey(alice))
  clock.nowMs += 60_000
  t.like(introduce(request(), bob), { ok: false, code: 'unreachable' })
  t.deepEqual(published, [])
})

test('A user who asks without end is introduced now and then, and keeps no one else from it.', t => {
  const { published, clock, beat, introduce } = fixture()
  const { atOnce, everyMs } = introductionTunables.limits.perOrigin
  for (let asked = 0; asked < 10_000; asked += 1) {
    clock.nowMs += 1
    if (asked % 1_000 === 0) beat(alice)
    introduce(request(), bob)
  }
  t.true(published.length <= atOnce + 10_000 / everyMs)
  t.like(introduce(request(), bob), { ok: false, code: 'too-many' })
  t.true(introduce(request({ holder: eve }), eve).ok)
})
