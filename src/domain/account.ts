// One person's account: that it exists, its password's hash, and the devices that are logged in.
// A device logs in with a credential of its own; the account keeps the SHA-256 of it. Logging out forgets it.

import type { Decider } from './decider.ts'
import { done, refuse } from './refusal.ts'

export interface Account {
  /** Undefined until this id, or one that looks like it (skeleton.ts), is signed up. */
  readonly user: string | undefined
  /** argon2id in its PHC string form. */
  readonly passwordHash: string
  /** Device id -> what it logged in with. */
  readonly devices: ReadonlyMap<string, { readonly credentialHash: string }>
}

export type AccountCommand =
  | { readonly type: 'sign-up'; readonly user: string; readonly passwordHash: string }
  | { readonly type: 'log-in-device'; readonly device: string; readonly credentialHash: string }
  | { readonly type: 'log-out-device'; readonly device: string }

export type AccountEvent =
  | { readonly type: 'account.created'; readonly user: string; readonly passwordHash: string }
  | {
      readonly type: 'device.logged-in'
      readonly user: string
      readonly device: string
      readonly credentialHash: string
    }
  | { readonly type: 'device.logged-out'; readonly user: string; readonly device: string }

/** Devices that one person may have logged in at once. Bounds the account's state; far above what a person owns. */
export const maxDevices = 64

export const account: Decider<Account, AccountCommand, AccountEvent> = {
  initial: { user: undefined, passwordHash: '', devices: new Map() },

  decide(command, state) {
    if (command.type === 'sign-up') {
      const { user } = command
      if (state.user === user) return refuse('user-exists', `the user id ${user} is taken; choose another`)
      if (state.user !== undefined)
        return refuse('user-exists', `the user id ${user} is too like ${state.user}, which is taken; choose another`)
      return done([{ type: 'account.created', user, passwordHash: command.passwordHash }])
    }
    const { user } = state
    if (user === undefined) return refuse('no-such-user', 'there is no such user; sign up first')
    switch (command.type) {
      case 'log-in-device': {
        const { device, credentialHash } = command
        if (!state.devices.has(device) && state.devices.size >= maxDevices)
          return refuse(
            'usage',
            `${user} is logged in on ${maxDevices} devices; log out on one of them, then try again`,
          )
        return done([{ type: 'device.logged-in', user, device, credentialHash }])
      }
      case 'log-out-device':
        if (!state.devices.has(command.device)) return done([])
        return done([{ type: 'device.logged-out', user, device: command.device }])
    }
  },

  evolve(state, event) {
    switch (event.type) {
      case 'account.created':
        return { user: event.user, passwordHash: event.passwordHash, devices: new Map() }
      case 'device.logged-in':
        return { ...state, devices: new Map(state.devices).set(event.device, { credentialHash: event.credentialHash }) }
      case 'device.logged-out': {
        const devices = new Map(state.devices)
        devices.delete(event.device)
        return { ...state, devices }
      }
    }
  },
}
