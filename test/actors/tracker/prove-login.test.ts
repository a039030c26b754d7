import { createHash } from 'node:crypto'
import test from 'ava'
import pino from 'pino'
import { deviceTunables } from '../../../config/tracker.ts'
import { createAttemptCounts } from '../../../src/actors/tracker/attempt-counts.ts'
import type { AuthRequest } from '../../../src/actors/tracker/auth-callout.ts'
import { createDeviceUse } from '../../../src/actors/tracker/device-use.ts'
import { OnlineDevices } from '../../../src/actors/tracker/online-devices.ts'
import { hashPassword } from '../../../src/actors/tracker/password.ts'
import { createPasswordQueue } from '../../../src/actors/tracker/password-queue.ts'
import { createLoginProof } from '../../../src/actors/tracker/prove-login.ts'
import { passwordVersion } from '../../../src/domain/account.ts'
import type { ClusterSecrets } from '../../../src/wire/cluster-secrets.ts'
import { userEvents } from '../../../src/wire/subjects.ts'
import { deviceTicketKey } from '../../../src/wire/ticket.ts'
import { watchLogin } from '../../../src/wire/watch-login.ts'
import { MemoryLog } from '../../helpers/memory-log.ts'

const device = { user: 'ann', device: 'd00000000001' }
const credential = 'c'.repeat(43)
const login = { kind: 'device', ...device, credential } as const
const [old, fresh] = await Promise.all(['old', 'fresh'].map(hashPassword))

/** A log with an account, and a tracker that has applied it. */
function fixture({ usedMsAgo = 0 } = {}) {
  const log = new MemoryLog()
  const credentialHash = createHash('sha256').update(credential).digest('hex')
  log.write(userEvents('ann'), [
    { type: 'account.created', user: 'ann', passwordHash: old!, at: 1 },
    { type: 'device.logged-in', ...device, name: 'laptop', credentialHash, at: Date.now() - usedMsAgo },
  ])
  const { projection, apply } = log.tracker()
  apply()
  const deviceUse = createDeviceUse(projection)
  const counts = createAttemptCounts({ name: 't1', log: pino({ level: 'silent' }) }, { publish: () => {} })
  const prove = createLoginProof(
    {
      projection,
      deviceUse,
      secrets: { ticketSecret: '' } as ClusterSecrets,
      online: new OnlineDevices(),
      attempts: counts,
      hashing: createPasswordQueue(),
    },
    {
      async toEnd() {
        apply()
        return true
      },
    },
  )
  const ask = (what: Parameters<typeof prove>[0], askedAt = Date.now() / 1000) =>
    prove(what, { host: '10.0.0.7', askedAt } as AuthRequest)
  return { log, apply, projection, deviceUse, ask }
}
const byPassword = (password: string) => ({ kind: 'password', user: 'ann', password }) as const

test('A password is proven under its own version, and a wrong one not at all.', async t => {
  const { ask } = fixture()
  t.deepEqual(await ask(byPassword('old')), { kind: 'password', user: 'ann', version: passwordVersion(old!) })
  t.is(await ask(byPassword('fresh')), undefined)
})

test('A new password is right at a tracker that has yet to hear of it; a deleted account has none.', async t => {
  const { log, ask } = fixture()
  log.write(userEvents('ann'), [{ type: 'password.changed', user: 'ann', passwordHash: fresh! }])
  t.deepEqual(await ask(byPassword('fresh')), { kind: 'password', user: 'ann', version: passwordVersion(fresh!) })
  t.is(await ask(byPassword('old')), undefined)
  log.write(userEvents('ann'), [{ type: 'account.deleted', user: 'ann' }])
  await ask(byPassword('wrong'))
  t.is(await ask(byPassword('fresh')), undefined)
})

test('A device that was not used for too long is let in no more; a clock that is ahead expires none.', async t => {
  const { expiresAfterMs } = deviceTunables
  t.deepEqual(await fixture({ usedMsAgo: expiresAfterMs - 60_000 }).ask(login), login)
  const { ask } = fixture({ usedMsAgo: expiresAfterMs + 60_000 })
  t.is(await ask(login), undefined)
  const secondsAgo = (Date.now() - 120_000) / 1000
  t.deepEqual(await ask(login, secondsAgo), login)
  t.is(await ask({ ...login, credential: 'x'.repeat(43) }, secondsAgo), undefined)
})

test('A device of a disabled account is told apart until it is enabled, and neither its watchers nor its relay are let in.', async t => {
  const { log, apply, ask, deviceUse } = fixture({ usedMsAgo: deviceTunables.recordUseEveryMs + 1 })
  const credentialHash = createHash('sha256').update(credential).digest('hex')
  const key = deviceTicketKey(Buffer.alloc(0), device, credentialHash)
  const watch = watchLogin(device, key, Date.now() + 60_000)
  t.deepEqual(await ask(watch), watch)
  log.write(userEvents('ann'), [{ type: 'account.disabled', user: 'ann' }])
  apply()
  t.deepEqual(await ask(login), { kind: 'disabled', ...device })
  t.is(await ask({ ...login, kind: 'relay' }), undefined)
  t.is(await ask({ ...login, credential: 'x'.repeat(43) }), undefined)
  t.is(await ask(watch), undefined)
  t.deepEqual(deviceUse.take(), [])
  log.write(userEvents('ann'), [{ type: 'account.enabled', user: 'ann' }])
  apply()
  t.deepEqual(await ask(login), login)
})

test('A device that is let in is noted as used once its last record is old enough, and one that is refused is not.', async t => {
  const usedMsAgo = deviceTunables.recordUseEveryMs + 1
  const { ask, deviceUse } = fixture({ usedMsAgo })
  await ask({ ...login, credential: 'x'.repeat(43) })
  t.deepEqual(deviceUse.take(), [])
  await ask(login)
  t.deepEqual(deviceUse.take(), [device])
  const recent = fixture()
  await recent.ask(login)
  t.deepEqual(recent.deviceUse.take(), [])
})
