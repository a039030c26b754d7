import test from 'ava'
import { type AccountEvent, account, isExpired, maxDevices, passwordVersion } from '../../src/domain/account.ts'
import { specify, stateOf } from '../helpers/decider-specification.ts'

const created: AccountEvent = { type: 'account.created', user: 'alice', passwordHash: 'hash', at: 7 }
const deleted: AccountEvent = { type: 'account.deleted', user: 'alice' }
const changed = (passwordHash: string): AccountEvent => ({ type: 'password.changed', user: 'alice', passwordHash })
const loggedIn = (device: string, credentialHash = 'c1', at = 1): AccountEvent & { type: 'device.logged-in' } => ({
  type: 'device.logged-in',
  user: 'alice',
  device,
  name: 'laptop',
  credentialHash,
  at,
})
const used = (device: string, at: number): AccountEvent => ({ type: 'device.used', user: 'alice', device, at })
const loggedOut = (device: string): AccountEvent => ({ type: 'device.logged-out', user: 'alice', device })

const proven = passwordVersion('hash')
const logIn = (device: string, credentialHash = 'c1') =>
  ({ type: 'log-in-device', device, name: 'laptop', credentialHash, at: 1, proven }) as const
const logOut = (device: string, credentialHash = 'c1') => ({ type: 'log-out-device', device, credentialHash }) as const

test('A free user id can be signed up, and a taken one cannot.', t => {
  const given = specify(account, t)
  given().when({ type: 'sign-up', user: 'alice', passwordHash: 'hash', at: 7 }).gives(created)
  given(created).when({ type: 'sign-up', user: 'alice', passwordHash: 'other', at: 8 }).refused('user-exists')
})

test('An id that looks like a taken one cannot be signed up, and is told which.', t => {
  const decided = account.decide(
    { type: 'sign-up', user: 'aIice', passwordHash: '', at: 8 },
    stateOf(account, [created]),
  )
  const message = 'the user id aIice is too like alice, which is taken; choose another'
  t.deepEqual(decided, { ok: false, code: 'user-exists', message })
})

test('Logging in to or out of an account that does not exist is refused.', t => {
  const given = specify(account, t)
  given().when(logIn('d1')).refused('no-such-user')
  given().when(logOut('d1')).refused('no-such-user')
})

test('A device logs in, again with a new credential, and out.', t => {
  const given = specify(account, t)
  given(created).when(logIn('d1')).gives(loggedIn('d1'))
  given(created, loggedIn('d1'))
    .when(logIn('d1', 'c2'))
    .gives({ ...loggedIn('d1', 'c2'), replaces: true })
  given(created, loggedIn('d1')).when(logOut('d1')).gives(loggedOut('d1'))
})

test('Logging out a device that is not logged in changes nothing.', t => {
  const given = specify(account, t)
  given(created).when(logOut('d1')).gives()
  given(created, loggedIn('d1'), loggedOut('d1')).when(logOut('d1')).gives()
})

test('A log-out that arrives after a later log-in of its device does not end that one.', t => {
  const given = specify(account, t)
  given(created, loggedIn('d1'), loggedIn('d1', 'c2')).when(logOut('d1', 'c1')).gives()
  given(created, loggedIn('d1'), loggedIn('d1', 'c2')).when(logOut('d1', 'c2')).gives(loggedOut('d1'))
})

test('The state holds the last credential of every logged-in device, its name, and since when.', t => {
  const state = stateOf(account, [created, loggedIn('d1'), loggedIn('d2'), loggedIn('d1', 'c2', 7), loggedOut('d2')])
  t.deepEqual(state, {
    user: 'alice',
    since: 7,
    isDisabled: false,
    passwordHash: 'hash',
    isDeleted: false,
    devices: new Map([['d1', { credentialHash: 'c2', name: 'laptop', since: 7, used: 7 }]]),
  })
})

test('A log-in beyond the maximum number of devices is refused, but logged-in devices may log in again.', t => {
  const given = specify(account, t)
  const full = [created, ...Array.from({ length: maxDevices }, (_, index) => loggedIn(`d${index}`))]
  given(...full)
    .when(logIn('new'))
    .refused('usage')
  given(...full)
    .when(logIn('d3', 'c2'))
    .gives({ ...loggedIn('d3', 'c2'), replaces: true })
})

test('A new password logs no device out, or all but the one that is kept.', t => {
  const given = specify(account, t)
  const three = [created, loggedIn('d1'), loggedIn('d2'), loggedIn('d3')]
  given(...three)
    .when({ type: 'change-password', passwordHash: 'new', proven })
    .gives(changed('new'))
  given(...three)
    .when({ type: 'change-password', passwordHash: 'new', keep: 'd2', proven })
    .gives(changed('new'), loggedOut('d1'), loggedOut('d3'))
  t.is(stateOf(account, [created, changed('new')]).passwordHash, 'new')
})

test('A device is logged out from another one; one that is not logged in is refused.', t => {
  const given = specify(account, t)
  given(created, loggedIn('d1'), loggedIn('d2'))
    .when({ type: 'revoke-device', device: 'd1', proven })
    .gives(loggedOut('d1'))
  given(created, loggedIn('d2')).when({ type: 'revoke-device', device: 'd1', proven }).refused('no-such-device')
})

test('Proof of an earlier password, or of the same one before it was set again, decides nothing.', t => {
  const given = specify(account, t)
  const after = [created, loggedIn('d1'), changed('the same, salted anew')]
  for (const command of [
    logIn('thief'),
    { type: 'change-password', passwordHash: 'mine', proven } as const,
    { type: 'revoke-device', device: 'd1', proven } as const,
    { type: 'delete', proven } as const,
  ])
    given(...after)
      .when(command)
      .refused('bad-credentials')
})

test('Deleting an account logs all its devices out, and its id is never free again.', t => {
  const given = specify(account, t)
  given(created, loggedIn('d1'), loggedIn('d2'))
    .when({ type: 'delete', proven })
    .gives(loggedOut('d1'), loggedOut('d2'), deleted)
  given(created, deleted).when({ type: 'sign-up', user: 'alice', passwordHash: 'other', at: 9 }).refused('user-exists')
  for (const command of [
    { ...logIn('d1'), proven: passwordVersion('') },
    logOut('d1'),
    { type: 'delete', proven: passwordVersion('') } as const,
  ])
    given(created, deleted).when(command).refused('no-such-user')
  t.deepEqual(stateOf(account, [created, loggedIn('d1'), deleted]), {
    user: 'alice',
    since: 7,
    isDisabled: false,
    passwordHash: '',
    isDeleted: true,
    devices: new Map(),
  })
})

test('The use of a device is recorded once in a while, and not of one that is logged out.', t => {
  const given = specify(account, t)
  const noteUse = (at: number) => ({ type: 'note-use', device: 'd1', at, everyMs: 10 }) as const
  given(created, loggedIn('d1')).when(noteUse(10)).gives()
  given(created, loggedIn('d1')).when(noteUse(11)).gives(used('d1', 11))
  given(created, loggedIn('d1'), used('d1', 11)).when(noteUse(20)).gives()
  given(created).when(noteUse(20)).gives()
  t.is(stateOf(account, [created, loggedIn('d1'), used('d1', 11)]).devices.get('d1')?.used, 11)
  t.is(stateOf(account, [created, used('d1', 11)]).devices.size, 0)
})

test('A device expires when its last recorded use is too long ago.', t => {
  t.false(isExpired({ used: 5 }, 15, 10))
  t.true(isExpired({ used: 5 }, 16, 10))
  t.false(isExpired({ used: 5 }, 1, 10))
})

const disabled: AccountEvent = { type: 'account.disabled', user: 'alice' }
const enabled: AccountEvent = { type: 'account.enabled', user: 'alice' }

test('A disabled account lets no device log in until it is enabled, and keeps those that are.', t => {
  const given = specify(account, t)
  given(created).when({ type: 'disable' }).gives(disabled)
  given(created, loggedIn('d1'), disabled).when(logIn('d2')).refused('disabled')
  given(created, disabled).when({ type: 'enable' }).gives(enabled)
  given(created, disabled, enabled).when(logIn('d2')).gives(loggedIn('d2'))
  t.deepEqual([...stateOf(account, [created, loggedIn('d1'), disabled]).devices.keys()], ['d1'])
})

test('A device of a disabled account can log out, and its password can be reset.', t => {
  const given = specify(account, t)
  given(created, loggedIn('d1'), disabled).when(logOut('d1')).gives(loggedOut('d1'))
  given(created, disabled).when({ type: 'reset-password', passwordHash: 'new' }).gives(changed('new'))
})

test('A password decides nothing while its account is disabled, and says so to the right one alone.', t => {
  const given = specify(account, t)
  for (const command of [
    { type: 'change-password', passwordHash: 'new', proven } as const,
    { type: 'revoke-device', device: 'd1', proven } as const,
    { type: 'delete', proven } as const,
  ]) {
    given(created, loggedIn('d1'), disabled).when(command).refused('disabled')
    given(created, loggedIn('d1'), disabled)
      .when({ ...command, proven: passwordVersion('other') })
      .refused('bad-credentials')
  }
})

test('The operator deletes an account as its user does, without the password, and also when it is disabled.', t => {
  const given = specify(account, t)
  given(created, loggedIn('d1'), disabled).when({ type: 'remove' }).gives(loggedOut('d1'), deleted)
  given(created, deleted).when({ type: 'remove' }).refused('no-such-user')
})

test('Disabling or enabling twice changes nothing, and neither creates an account.', t => {
  const given = specify(account, t)
  given(created, disabled).when({ type: 'disable' }).gives()
  given(created).when({ type: 'enable' }).gives()
  given().when({ type: 'disable' }).refused('no-such-user')
  given().when({ type: 'enable' }).refused('no-such-user')
  given().when({ type: 'reset-password', passwordHash: 'new' }).refused('no-such-user')
})

test('A reset password replaces the old one and logs out every device.', t => {
  const events = [changed('new'), loggedOut('d1'), loggedOut('d2')]
  specify(account, t)(created, loggedIn('d1'), loggedIn('d2'))
    .when({ type: 'reset-password', passwordHash: 'new' })
    .gives(...events)
  const state = stateOf(account, [created, loggedIn('d1'), loggedIn('d2'), ...events])
  t.like(state, { user: 'alice', passwordHash: 'new', since: 7 })
  t.is(state.devices.size, 0)
})

test('An event changes no earlier state.', t => {
  const before = stateOf(account, [created, loggedIn('d1')])
  for (const event of [loggedIn('d2'), loggedOut('d1'), used('d1', 9), deleted]) account.evolve(before, event)
  t.deepEqual([...before.devices.keys()], ['d1'])
  t.is(before.devices.get('d1')?.used, 1)
})
