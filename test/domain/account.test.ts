import test from 'ava'
import { type AccountEvent, account, maxDevices } from '../../src/domain/account.ts'
import { specify, stateOf } from '../helpers/decider-specification.ts'

const created: AccountEvent = { type: 'account.created', user: 'alice', passwordHash: 'hash' }
const loggedIn = (device: string, credentialHash = 'c1'): AccountEvent => ({
  type: 'device.logged-in',
  user: 'alice',
  device,
  credentialHash,
})
const loggedOut = (device: string): AccountEvent => ({ type: 'device.logged-out', user: 'alice', device })

test('A free user id can be signed up, and a taken one cannot.', t => {
  const given = specify(account, t)
  given().when({ type: 'sign-up', user: 'alice', passwordHash: 'hash' }).gives(created)
  given(created).when({ type: 'sign-up', user: 'alice', passwordHash: 'other' }).refused('user-exists')
})

test('An id that looks like a taken one cannot be signed up, and is told which.', t => {
  const decided = account.decide({ type: 'sign-up', user: 'aIice', passwordHash: '' }, stateOf(account, [created]))
  const message = 'the user id aIice is too like alice, which is taken; choose another'
  t.deepEqual(decided, { ok: false, code: 'user-exists', message })
})

test('Logging in to or out of an account that does not exist is refused.', t => {
  const given = specify(account, t)
  given().when({ type: 'log-in-device', device: 'd1', credentialHash: 'c1' }).refused('no-such-user')
  given().when({ type: 'log-out-device', device: 'd1' }).refused('no-such-user')
})

test('A device logs in, again with a new credential, and out.', t => {
  const given = specify(account, t)
  given(created).when({ type: 'log-in-device', device: 'd1', credentialHash: 'c1' }).gives(loggedIn('d1'))
  given(created, loggedIn('d1'))
    .when({ type: 'log-in-device', device: 'd1', credentialHash: 'c2' })
    .gives(loggedIn('d1', 'c2'))
  given(created, loggedIn('d1')).when({ type: 'log-out-device', device: 'd1' }).gives(loggedOut('d1'))
})

test('Logging out a device that is not logged in changes nothing.', t => {
  const given = specify(account, t)
  given(created).when({ type: 'log-out-device', device: 'd1' }).gives()
  given(created, loggedIn('d1'), loggedOut('d1')).when({ type: 'log-out-device', device: 'd1' }).gives()
})

test('The state holds the last credential of every logged-in device.', t => {
  const state = stateOf(account, [created, loggedIn('d1'), loggedIn('d2'), loggedIn('d1', 'c2'), loggedOut('d2')])
  t.deepEqual(state, { user: 'alice', passwordHash: 'hash', devices: new Map([['d1', { credentialHash: 'c2' }]]) })
})

test('A log-in beyond the maximum number of devices is refused, but logged-in devices may log in again.', t => {
  const given = specify(account, t)
  const full = [created, ...Array.from({ length: maxDevices }, (_, index) => loggedIn(`d${index}`))]
  given(...full)
    .when({ type: 'log-in-device', device: 'new', credentialHash: 'c1' })
    .refused('usage')
  given(...full)
    .when({ type: 'log-in-device', device: 'd3', credentialHash: 'c2' })
    .gives(loggedIn('d3', 'c2'))
})

test('An event changes no earlier state.', t => {
  const before = stateOf(account, [created, loggedIn('d1')])
  account.evolve(before, loggedIn('d2'))
  account.evolve(before, loggedOut('d1'))
  t.deepEqual([...before.devices.keys()], ['d1'])
})
