// How a connection identifies itself to the brokers: the user and password fields of NATS's CONNECT, in six forms.
// The trackers' authenticator reads them (auth callout); what it grants is in actors/tracker/permissions.ts.
//   guest      `.guest.<nonce>`, no password    may sign up, and hears only its own nonce's inbox
//   password   `alice`, her password            may trade it for a device credential
//   device     `alice.<device>`, its credential everything that alice may do
//   relay      `.relay.alice.<device>`, its credential   carries relayed bytes, and nothing else
//   watch      `.watch.<expiry>.alice.<device>` hears what alice's devices say of themselves (wire/watch-login.ts)
//   operator   `.watch.<expiry>`                hears what everybody's do

import { isDeviceId, isId } from '../domain/names.ts'

export type BrokerLogin =
  | { readonly kind: 'guest'; readonly nonce: string }
  | { readonly kind: 'password'; readonly user: string; readonly password: string }
  | { readonly kind: 'device'; readonly user: string; readonly device: string; readonly credential: string }
  | { readonly kind: 'relay'; readonly user: string; readonly device: string; readonly credential: string }
  | {
      readonly kind: 'watch'
      readonly user: string
      readonly device: string
      /** ms since 1970. */
      readonly expiresAt: number
      readonly proof: string
    }
  | { readonly kind: 'operator'; readonly expiresAt: number; readonly proof: string }

export function toConnect(login: BrokerLogin): { user: string; pass: string } {
  switch (login.kind) {
    case 'guest':
      return { user: `.guest.${login.nonce}`, pass: '' }
    case 'password':
      return { user: login.user, pass: login.password }
    case 'device':
      return { user: `${login.user}.${login.device}`, pass: login.credential }
    case 'relay':
      return { user: `.relay.${login.user}.${login.device}`, pass: login.credential }
    case 'watch':
      return { user: `.watch.${login.expiresAt}.${login.user}.${login.device}`, pass: login.proof }
    case 'operator':
      return { user: `.watch.${login.expiresAt}`, pass: login.proof }
  }
}

/** Undefined for anything else. */
export function fromConnect(user: string, pass: string): BrokerLogin | undefined {
  const nonce = /^\.guest\.([0-9a-f]{32})$/.exec(user)?.[1]
  if (nonce !== undefined) return { kind: 'guest', nonce }
  const watch = /^\.watch\.([1-9]\d{0,14})(?:\.([^.]+)\.([^.]+))?$/.exec(user)
  if (watch) return fromWatch(Number(watch[1]), watch[2], watch[3], pass)
  const relay = /^\.relay\.([^.]+)\.([^.]+)$/.exec(user)
  if (relay) return fromRelay(relay[1]!, relay[2]!, pass)
  const [name, device, more] = user.split('.')
  if (name === undefined || !isId(name) || more !== undefined) return undefined
  if (device === undefined) return { kind: 'password', user: name, password: pass }
  return isDeviceId(device) ? { kind: 'device', user: name, device, credential: pass } : undefined
}

const fromRelay = (user: string, device: string, credential: string): BrokerLogin | undefined =>
  isId(user) && isDeviceId(device) ? { kind: 'relay', user, device, credential } : undefined

function fromWatch(
  expiresAt: number,
  user: string | undefined,
  device: string | undefined,
  proof: string,
): BrokerLogin | undefined {
  if (user === undefined || device === undefined) return { kind: 'operator', expiresAt, proof }
  return isId(user) && isDeviceId(device) ? { kind: 'watch', user, device, expiresAt, proof } : undefined
}
