import test from 'ava'
import { deviceTicketKey } from '../../src/wire/ticket.ts'
import { isWatchProof, operatorLogin, watchLogin } from '../../src/wire/watch-login.ts'

const secret = Buffer.alloc(32, 1)
const alice = { user: 'alice', device: 'a'.repeat(12) }
const key = deviceTicketKey(secret, alice, 'hash')
const hour = 3_600_000
const login = watchLogin(alice, key, hour)

test('A watcher’s log-in is valid until it expires, and only under its own key.', t => {
  t.true(isWatchProof(login, key, 0, hour))
  t.false(isWatchProof(login, key, hour, hour))
  t.false(isWatchProof(login, deviceTicketKey(secret, alice, 'another log-in'), 0, hour))
  t.false(isWatchProof(login, secret, 0, hour))
})

test('A watcher’s log-in that expires within a second already ends at its start, as brokers end it.', t => {
  const ends = watchLogin(alice, key, 2_999)
  t.true(isWatchProof(ends, key, 1_999, hour))
  t.false(isWatchProof(ends, key, 2_000, hour))
})

test('A watcher’s log-in is invalid when its expiry, user or proof is altered, and when it lasts too long.', t => {
  t.false(isWatchProof({ ...login, expiresAt: hour + 1 }, key, 0, 2 * hour))
  t.false(isWatchProof({ ...login, user: 'bob' } as never, key, 0, hour))
  t.false(isWatchProof({ ...login, proof: '' } as never, key, 0, hour))
  t.false(isWatchProof(watchLogin(alice, key, 2 * hour), key, 0, hour))
})

test('An operator’s log-in needs the cluster’s secret, and a user’s log-in does not pass for one.', t => {
  t.true(isWatchProof(operatorLogin(secret, hour), secret, 0, hour))
  t.false(isWatchProof(operatorLogin(key, hour), secret, 0, hour))
  t.false(isWatchProof({ kind: 'operator', expiresAt: hour, proof: login.proof }, key, 0, hour))
})
