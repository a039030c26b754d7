// One person's account: that it exists, its password's hash, and the devices that are logged in.
// A device logs in with a credential of its own; the account keeps the SHA-256 of it. Logging out forgets it.
// What proves a password names that password, so that proof of an earlier one decides nothing. A deleted account keeps its
// id for good: log, tickets and memories name people by it, so another person must never get it.

import { createHash } from 'node:crypto'
import type { Decider } from './decider.ts'
import { done, type Refusal, refuse } from './refusal.ts'

export interface AccountDevice {
  readonly credentialHash: string
  /** What its machine was called when it logged in. */
  readonly name: string
  /** When it logged in, ms since 1970. */
  readonly since: number
  /** When it was last recorded that it is in use; from then on it may stay unused only for so long. */
  readonly used: number
}

export interface Account {
  /** Undefined until this id, or one that looks like it (skeleton.ts), is signed up. */
  readonly user: string | undefined
  /** When it was made, ms since 1970. */
  readonly since: number
  /** The operator lets none of its devices in; everything else stays. */
  readonly isDisabled: boolean
  /** argon2id in its PHC string form; empty once the account is deleted. */
  readonly passwordHash: string
  readonly isDeleted: boolean
  /** By device id. */
  readonly devices: ReadonlyMap<string, AccountDevice>
}

/** `at`: ms since 1970, by the deciding tracker's clock. */
export type AccountCommand =
  | { readonly type: 'sign-up'; readonly user: string; readonly passwordHash: string; readonly at: number }
  | (PasswordProof & {
      readonly type: 'log-in-device'
      readonly device: string
      readonly name: string
      readonly credentialHash: string
      readonly at: number
    })
  /** By itself. Nothing unless that credential is the present one: an order that is late does not end a later log-in. */
  | { readonly type: 'log-out-device'; readonly device: string; readonly credentialHash: string }
  | (PasswordProof & { readonly type: 'revoke-device'; readonly device: string })
  /** `keep`: the one device that stays logged in; undefined: all do. */
  | (PasswordProof & {
      readonly type: 'change-password'
      readonly passwordHash: string
      readonly keep?: string | undefined
    })
  | (PasswordProof & { readonly type: 'delete' })
  /** Nothing if its use was recorded less than `everyMs` ago. */
  | { readonly type: 'note-use'; readonly device: string; readonly at: number; readonly everyMs: number }
  | OperatorsAccountCommand

/** Without a proof: the operator needs none. */
export type OperatorsAccountCommand =
  | { readonly type: 'disable' }
  | { readonly type: 'enable' }
  /** Also logs every device out. */
  | { readonly type: 'reset-password'; readonly passwordHash: string }
  | { readonly type: 'remove' }

/** Which password was proven, as `passwordVersion` names it. */
interface PasswordProof {
  readonly proven: string
}

export type AccountEvent =
  | { readonly type: 'account.created'; readonly user: string; readonly passwordHash: string; readonly at: number }
  | { readonly type: 'account.disabled'; readonly user: string }
  | { readonly type: 'account.enabled'; readonly user: string }
  | {
      readonly type: 'device.logged-in'
      readonly user: string
      readonly device: string
      readonly name: string
      readonly credentialHash: string
      readonly at: number
      /** The device was logged in. Its earlier credential is void from now on. */
      readonly replaces?: true | undefined
    }
  | { readonly type: 'device.used'; readonly user: string; readonly device: string; readonly at: number }
  | { readonly type: 'device.logged-out'; readonly user: string; readonly device: string }
  | { readonly type: 'password.changed'; readonly user: string; readonly passwordHash: string }
  /** After it the account has no device and no password, whatever it had before. */
  | { readonly type: 'account.deleted'; readonly user: string }

/** Devices that one person may have logged in at once. Bounds the account's state; far above what a person owns. */
export const maxDevices = 64

/**
 * Names one password of an account, 16 hex digits. It changes with every new password, even with the same one set again,
 * because the hash is salted; and it tells nothing about the password, so it need not be kept secret.
 */
export const passwordVersion = (passwordHash: string): string =>
  createHash('sha256').update(passwordHash).digest('hex').slice(0, 16)

/** SHA-256 of a device's credential, in hex: all that trackers keep of it. */
export const credentialHashOf = (credential: string): string => createHash('sha256').update(credential).digest('hex')

/** A device that was not seen in use for so long is not let in any more. */
export const isExpired = ({ used }: Pick<AccountDevice, 'used'>, at: number, unusedMs: number): boolean =>
  at - used > unusedMs

const noAccount: Account = {
  user: undefined,
  since: 0,
  isDisabled: false,
  passwordHash: '',
  isDeleted: false,
  devices: new Map(),
}

/** For a device that shows the right password or credential; to others a disabled account looks like any other. */
export const disabled = (user: string): Refusal =>
  refuse('disabled', `the operator of this cluster has disabled the account ${user}; ask them to enable it`)

const outdatedProof: Refusal = refuse(
  'bad-credentials',
  'the password was changed meanwhile; try again with the new one',
)

const noSuchDevice = (device: string): Refusal =>
  refuse('no-such-device', `you have no device ${device} that is logged in; see shoal devices`)

export const account: Decider<Account, AccountCommand, AccountEvent> = {
  initial: noAccount,

  decide(command, state) {
    if (command.type === 'sign-up') {
      const { user, passwordHash, at } = command
      if (state.user === user) return refuse('user-exists', `the user id ${user} is taken; choose another`)
      if (state.user !== undefined)
        return refuse('user-exists', `the user id ${user} is too like ${state.user}, which is taken; choose another`)
      return done([{ type: 'account.created', user, passwordHash, at }])
    }
    const { user } = state
    if (user === undefined || state.isDeleted) return refuse('no-such-user', 'there is no such user; sign up first')
    if ('proven' in command) {
      if (command.proven !== passwordVersion(state.passwordHash)) return outdatedProof
      if (state.isDisabled) return disabled(user)
    }
    const loggedOut = (device: string): AccountEvent => ({ type: 'device.logged-out', user, device })
    const allLoggedOut = () => [...state.devices.keys()].map(loggedOut)
    switch (command.type) {
      case 'log-in-device': {
        const { device, name, credentialHash, at } = command
        if (!state.devices.has(device) && state.devices.size >= maxDevices)
          return refuse(
            'usage',
            `${user} is logged in on ${maxDevices} devices; log one of them out with shoal device logout, then try again`,
          )
        const replaces = state.devices.has(device) ? ({ replaces: true } as const) : {}
        return done([{ type: 'device.logged-in', user, device, name, credentialHash, at, ...replaces }])
      }
      case 'log-out-device':
        return done(
          state.devices.get(command.device)?.credentialHash === command.credentialHash
            ? [loggedOut(command.device)]
            : [],
        )
      case 'revoke-device':
        return state.devices.has(command.device) ? done([loggedOut(command.device)]) : noSuchDevice(command.device)
      case 'change-password': {
        const { passwordHash, keep } = command
        const others = keep === undefined ? [] : [...state.devices.keys()].filter(device => device !== keep)
        return done([{ type: 'password.changed', user, passwordHash }, ...others.map(loggedOut)])
      }
      case 'disable':
        return done(state.isDisabled ? [] : [{ type: 'account.disabled', user }])
      case 'enable':
        return done(state.isDisabled ? [{ type: 'account.enabled', user }] : [])
      case 'reset-password':
        return done([{ type: 'password.changed', user, passwordHash: command.passwordHash }, ...allLoggedOut()])
      case 'delete':
      case 'remove':
        return done([...allLoggedOut(), { type: 'account.deleted', user }])
      case 'note-use': {
        const { device, at, everyMs } = command
        const known = state.devices.get(device)
        return done(known && at - known.used >= everyMs ? [{ type: 'device.used', user, device, at }] : [])
      }
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case 'account.created':
        return { ...noAccount, user: event.user, passwordHash: event.passwordHash, since: event.at }
      case 'account.disabled':
      case 'account.enabled':
        return { ...state, isDisabled: event.type === 'account.disabled' }
      case 'device.logged-in': {
        const { device, name, credentialHash, at } = event
        return { ...state, devices: new Map(state.devices).set(device, { credentialHash, name, since: at, used: at }) }
      }
      case 'device.used': {
        const device = state.devices.get(event.device)
        if (!device) return state
        return { ...state, devices: new Map(state.devices).set(event.device, { ...device, used: event.at }) }
      }
      case 'device.logged-out': {
        const devices = new Map(state.devices)
        devices.delete(event.device)
        return { ...state, devices }
      }
      case 'password.changed':
        return { ...state, passwordHash: event.passwordHash }
      case 'account.deleted':
        return { ...state, passwordHash: '', isDeleted: true, devices: new Map() }
    }
  },
}
