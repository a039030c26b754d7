// How a connection tells the brokers who it is: the user and password fields of NATS's CONNECT, in three forms.
// The trackers' authenticator reads them (auth callout); what it grants is in actors/tracker/permissions.ts.
//   guest      `.guest.<nonce>`, no password    may sign up, and hears only its own nonce's inbox
//   password   `alice`, her password            may trade it for a device credential
//   device     `alice.<device>`, its credential everything that alice may do

import { isDeviceId, isId } from '../domain/names.ts'

export type BrokerLogin =
  | { readonly kind: 'guest'; readonly nonce: string }
  | { readonly kind: 'password'; readonly user: string; readonly password: string }
  | { readonly kind: 'device'; readonly user: string; readonly device: string; readonly credential: string }

export function toConnect(login: BrokerLogin): { user: string; pass: string } {
  switch (login.kind) {
    case 'guest':
      return { user: `.guest.${login.nonce}`, pass: '' }
    case 'password':
      return { user: login.user, pass: login.password }
    case 'device':
      return { user: `${login.user}.${login.device}`, pass: login.credential }
  }
}

/** Undefined for anything that is none of the three forms. */
export function fromConnect(user: string, pass: string): BrokerLogin | undefined {
  const nonce = /^\.guest\.([0-9a-f]{32})$/.exec(user)?.[1]
  if (nonce !== undefined) return { kind: 'guest', nonce }
  const [name, device, more] = user.split('.')
  if (name === undefined || !isId(name) || more !== undefined) return undefined
  if (device === undefined) return { kind: 'password', user: name, password: pass }
  return isDeviceId(device) ? { kind: 'device', user: name, device, credential: pass } : undefined
}
