import test from 'ava'
import { deviceTicketKey } from '../../src/wire/ticket.ts'
import { isWatchProof, operatorLogin, watchLogin } from '../../src/wire/watch-login.ts'

const secret = Buffer.alloc(32, 1)
const alice = { user: 'alice', device: 'a'.repeat(12) }
const key = deviceTicketKey(secret, alice, 'hash')
const hour = 3_600_000
const login = watchLogin(alice, key, hour)

test('A log-in to watch is genuine until it ends, and by its own key alone.', t => {
  t.true(isWatchProof(login, key, 0, hour))
  t.false(isWatchProof(login, key, hour, hour))
  t.false(isWatchProof(login, deviceTicketKey(secret, alice, 'another log-in'), 0, hour))
  t.false(isWatchProof(login, secret, 0, hour))
})

test('A log-in to watch that ends within a second ends with the one before, as brokers end it.', t => {
  const ends = watchLogin(alice, key, 2_999)
  t.true(isWatchProof(ends, key, 1_999, hour))
  t.false(isWatchProof(ends, key, 2_000, hour))
})

test('It shows nobody else, holds no longer than it says, and is not made to hold for ever.', t => {
  t.false(isWatchProof({ ...login, expiresAt: hour + 1 }, key, 0, 2 * hour))
  t.false(isWatchProof({ ...login, user: 'bob' } as never, key, 0, hour))
  t.false(isWatchProof({ ...login, proof: '' } as never, key, 0, hour))
  t.false(isWatchProof(watchLogin(alice, key, 2 * hour), key, 0, hour))
})

test('An operator’s comes from the cluster’s secret, and a person’s is none.', t => {
  t.true(isWatchProof(operatorLogin(secret, hour), secret, 0, hour))
  t.false(isWatchProof(operatorLogin(key, hour), secret, 0, hour))
  t.false(isWatchProof({ kind: 'operator', expiresAt: hour, proof: login.proof }, key, 0, hour))
})
