// What each kind of login may publish and subscribe to. Everything not listed is denied, so that only trackers reach
// JetStream, the system's subjects, or other people's inboxes. Ids are single tokens without wildcards (domain/names.ts)
// and go into a subject pattern as they are.

import { ticketTunables } from '../../../config/swarm.ts'
import type { DeviceRef } from '../../domain/device-ref.ts'
import type { BrokerLogin } from '../../wire/broker-login.ts'
import {
  accountSubject,
  anyInspect,
  apiSubject,
  guestInboxPrefix,
  inboxPrefix,
  inspectSubject,
  introductionSubject,
  noticeSubject,
  passwordVersionSubject,
  presenceSubject,
  relayedFrom,
  relayedTo,
  signUpSubject,
  trackersStats,
  trackersStatus,
  watchAllSubject,
  watchedBy,
  watchersOf,
  watchSubject,
} from '../../wire/subjects.ts'

export interface Grant {
  /** What the connection is called in the brokers' own listings. */
  readonly name: string
  /** Empty: it may publish nothing. */
  readonly publish: readonly string[]
  readonly subscribe: readonly string[]
  /** The connection ends after this long; undefined: as a device's login does. */
  readonly mostSeconds?: number
  /** ms since 1970; the connection ends then at the latest. */
  readonly endsAt?: number
}

/** The name of every guest's connections; no user's, for ids begin with a letter or digit. */
export const guestConnectionName = '.guest'

/** The name of a device's connections, by which they can be found and closed. */
export const deviceConnectionName = ({ user, device }: DeviceRef): string => `${user}.${device}`

/** A login that was checked. `version` names the password that was given; `disabled` is a device of a disabled account. */
export type ProvenLogin =
  | Exclude<BrokerLogin, { kind: 'password' }>
  | { readonly kind: 'password'; readonly user: string; readonly version: string }
  | (DeviceRef & { readonly kind: 'disabled' })

/** `host` is the address that the broker saw the connection come from. */
export function grantFor(login: ProvenLogin, host: string): Grant {
  switch (login.kind) {
    case 'guest':
      return {
        name: guestConnectionName,
        publish: [signUpSubject(host)],
        subscribe: [`${guestInboxPrefix(login.nonce)}.>`],
        mostSeconds: ticketTunables.entryLoginSeconds,
      }
    case 'password':
      return {
        name: login.user,
        publish: [passwordVersionSubject(login.user, host), accountSubject(login.user, login.version, '*', host)],
        subscribe: [`${inboxPrefix(login.user)}.>`],
        mostSeconds: ticketTunables.entryLoginSeconds,
      }
    case 'device': {
      const { user } = login
      const by: DeviceRef = { user, device: login.device }
      return {
        name: deviceConnectionName(by),
        publish: [
          apiSubject(by, 'read', '>'),
          apiSubject(by, 'write', '>'),
          trackersStatus(by),
          trackersStats(by),
          presenceSubject(by, host),
          inspectSubject(by, '>'),
          watchSubject(by),
        ],
        // Nothing into inboxes, the own included: a stolen device would answer its owner in the trackers' place.
        subscribe: [
          `${inboxPrefix(user)}.>`,
          noticeSubject(user),
          introductionSubject(by),
          watchersOf(user),
          watchAllSubject,
          ...watchedBy(user),
        ],
      }
    }
    // It may ask the trackers, which tell it so, and nothing else.
    case 'disabled':
      return {
        name: deviceConnectionName(login),
        publish: [apiSubject(login, 'read', '>'), apiSubject(login, 'write', '>')],
        subscribe: [`${inboxPrefix(login.user)}.>`],
      }
    // This and a watch login bear the name of the device's own connections, so that logging out closes all of them.
    case 'relay':
      return { name: deviceConnectionName(login), publish: [relayedFrom(login)], subscribe: [relayedTo(login)] }
    case 'watch':
      return {
        name: deviceConnectionName(login),
        publish: [],
        subscribe: watchedBy(login.user),
        endsAt: login.expiresAt,
      }
    case 'operator':
      return { name: 'operator', publish: [], subscribe: [anyInspect], endsAt: login.expiresAt }
  }
}
