// Who sent a message, or is connecting, as far as brokers vouch for it: a device, a person who gave the password from
// some origin, or the guests of an origin. Messages are counted by it, and its connections can be found and closed.

import type { DeviceRef } from '../../domain/device-ref.ts'
import { isDeviceId, isId } from '../../domain/names.ts'
import { originOf } from '../../domain/origin.ts'
import type { BrokerLogin } from '../../wire/broker-login.ts'
import { addressOf, hostIn, operatorAsking } from '../../wire/subjects.ts'
import { deviceConnectionName, guestConnectionName } from './permissions.ts'

export interface MessageSource {
  /** What the brokers call its connections (permissions.ts). */
  readonly connection: string
  /** Only those from there; absent: from anywhere. */
  readonly origin?: string | undefined
  /** Whose devices are counted together, too. */
  readonly user?: string
}

/** One for each source, without spaces within its parts. */
export const sourceKey = ({ connection, origin = '' }: MessageSource): string => `${connection} ${origin}`

export const deviceSource = (by: DeviceRef): MessageSource => ({ connection: deviceConnectionName(by), user: by.user })
const passwordSource = (user: string, host: string): MessageSource => ({ connection: user, origin: originOf(host) })
const guestSource = (host: string): MessageSource => ({ connection: guestConnectionName, origin: originOf(host) })

/** Of `shoal.<room>.<user>.<device>…`; undefined when that names neither a device nor the operator. */
export function sourceOfDevice(subject: string): MessageSource | undefined {
  const address = addressOf(subject)
  if (!address || !isDeviceId(address.device)) return undefined
  return isId(address.user) || address.user === operatorAsking.user ? deviceSource(address) : undefined
}

/** Of `passwordVersionSubject` and `accountSubject`. */
export function sourceOfPassword(subject: string): MessageSource | undefined {
  const user = subject.split('.')[2] ?? ''
  return isId(user) ? passwordSource(user, hostIn(subject)) : undefined
}

/** Of `operatorSubject`. */
export const sourceOfOperator = (): MessageSource => deviceSource(operatorAsking)

/** Of `signUpSubject(host)`. */
export const sourceOfGuest = (subject: string): MessageSource => guestSource(hostIn(subject))

/** `host` is the address that the broker saw. Undefined for those that only watch: they can send nothing. */
export function sourceOfConnection(login: BrokerLogin, host: string): MessageSource | undefined {
  switch (login.kind) {
    case 'guest':
      return guestSource(host)
    case 'password':
      return passwordSource(login.user, host)
    case 'device':
    case 'relay':
      return deviceSource(login)
    default:
      return undefined
  }
}
