// Every NATS subject of Shoal. Ids are single subject tokens (domain/names.ts), so a subject can be split again. The
// subjects that a connection may publish on identify it, so no message carries a claim of identity.

import type { DeviceRef } from '../domain/device-ref.ts'
import { skeleton } from '../domain/skeleton.ts'

/** The one log, and the subjects of its aggregates: look-alikes share one, so that of two made at once one is refused. */
export const logStream = 'SHOAL'
export const logSubjects = 'shoal.event.>'
export const userEvents = (user: string): string => `shoal.event.user.${skeleton(user)}`
export const groupEvents = (group: string): string => `shoal.event.group.${skeleton(group)}`
/** The operator's decisions for the whole cluster. */
export const clusterEvents = 'shoal.event.cluster'

/** Trackers share this queue group: any one of them answers. */
export const trackerQueue = 'trackers'

/** The address that the broker sees a connection come from; permissions pin it in subjects, so it cannot be forged. */
const hostToken = (host: string) => Buffer.from(host).toString('hex')
/** The host at the end of a subject that names one. */
export const hostIn = (subject: string): string => Buffer.from(subject.split('.').at(-1) ?? '', 'hex').toString()

/** The only subject that a guest may publish on. */
export const signUpSubject = (host: string): string => `shoal.guest.signup.${hostToken(host)}`
export const anySignUp = 'shoal.guest.signup.*'
/**
 * A connection made with a password asks here for the version of the account's present one, then acts under it. `host` is
 * the address that the broker sees it come from.
 */
export const passwordVersionSubject = (user: string, host: string): string =>
  `shoal.password.${user}.${hostToken(host)}`
export const anyPasswordVersion = 'shoal.password.*.*'
/**
 * What only a password decides (wire/account-api.ts). A connection may publish under the version of the password that it
 * gave (`passwordVersion` of domain/account.ts) and no other: once the password has changed, its requests decide nothing.
 */
export const accountSubject = (user: string, version: string, method: string, host: string): string =>
  `shoal.account.${user}.${version}.${method}.${hostToken(host)}`
export const anyAccountRequest = 'shoal.account.*.*.*.*'

export type RequestKind = 'read' | 'write'
/** Requests of a logged-in device to the trackers. Reads and writes are apart, so that neither waits behind the other. */
export const apiSubject = (by: DeviceRef, kind: RequestKind, method: string): string =>
  `shoal.${kind}.${by.user}.${by.device}.${method}`
export const anyApi = (kind: RequestKind): string => `shoal.${kind}.*.*.>`

/** Every tracker (no queue group) answers here with its sequence and digest. Requests come as `trackersStatus(by)`. */
export const trackersStatus = (by: DeviceRef): string => `shoal.trackers.${by.user}.${by.device}`
export const anyTrackersStatus = 'shoal.trackers.*.*'

/** Every tracker answers here with its statistics and the online devices that the client may see. Sent as `trackersStats(by)`. */
export const trackersStats = (by: DeviceRef): string => `shoal.look.${by.user}.${by.device}`
export const anyTrackersStats = 'shoal.look.*.*'
/** The operator, who sees all users. User ids have no "$", so this cannot be one, and only a tracker's key may publish as it. */
export const operatorAsking: DeviceRef = { user: '$operator', device: '000000000000' }

/** The operator's requests to the trackers (wire/operator-api.ts). Only a tracker's key may publish here. */
export const operatorSubject = (method: string): string => `shoal.operator.${method}`
export const anyOperator = operatorSubject('>')

/** `host` is the address that the broker sees the device connect from. */
export const presenceSubject = (by: DeviceRef, host: string): string =>
  `shoal.presence.${by.user}.${by.device}.${hostToken(host)}`
export const anyPresence = 'shoal.presence.*.*.*'

/** What trackers tell a person's devices. */
export const noticeSubject = (user: string): string => `shoal.notice.${user}`

/** What a tracker tells one device of a peer that wants to reach it by the relay (wire/introduction.ts). */
export const introductionSubject = (to: DeviceRef): string => `shoal.introduction.${to.user}.${to.device}`

/**
 * Bytes for a peer that cannot be reached directly; `from` is vouched for by the publisher's permissions. A receiver
 * subscribes to each channel by itself, so what is published on any other reaches no one.
 */
export const relaySubject = (to: DeviceRef, from: DeviceRef, channel: string): string =>
  `shoal.relay.${to.user}.${to.device}.${from.user}.${from.device}.${channel}`
/** Every channel on which others write to this device: what it may subscribe to. */
export const relayedTo = (of: DeviceRef): string => relaySubject(of, { user: '*', device: '*' }, '*')
/** Every channel on which this device writes to others. */
export const relayedFrom = (of: DeviceRef): string => relaySubject({ user: '*', device: '*' }, of, '*')

/**
 * What a process says of its machines, for whoever watches (wire/inspection.ts). `about` is one token: an actor's name,
 * its dots replaced, or what else the message is about.
 */
export const inspectSubject = (of: DeviceRef, about: string): string => `shoal.inspect.${of.user}.${of.device}.${about}`
/** A tracker's place in those subjects; no person's, for ids have no "$". */
export const trackerInspected = (name: string): DeviceRef => ({ user: '$tracker', device: name })
export const anyInspect = 'shoal.inspect.>'

/** What a user may watch: their own devices, and the trackers, whose messages name no user. */
export const watchedBy = (user: string): string[] => [
  inspectSubject({ user, device: '*' }, '>'),
  inspectSubject(trackerInspected('*'), '>'),
]

/** Announces a watcher of one user's devices, or of all devices (wire/watching.ts). Trackers receive both. */
export const watchSubject = (by: DeviceRef): string => `shoal.watch.${by.user}.${by.device}`
export const watchersOf = (user: string): string => watchSubject({ user, device: '*' })
export const watchAllSubject = watchSubject(operatorAsking)
export const anyWatch = 'shoal.watch.>'

/** Replies to this person's requests; handed to NATS as the connection's inbox prefix. */
export const inboxPrefix = (user: string): string => `_INBOX_${user}`
/** Guests have no name; what all their inboxes begin with. */
export const guestInboxes = '_INBOX_.guest'
/** A guest's, by the nonce it connected with (wire/broker-login.ts): guests do not hear each other. */
export const guestInboxPrefix = (nonce: string): string => `${guestInboxes}.${nonce}`

/** `shoal.<room>.<user>.<device>.<rest…>` taken apart; undefined when there are too few tokens. */
export function addressOf(subject: string): (DeviceRef & { readonly rest: string }) | undefined {
  const [, , user, device, ...rest] = subject.split('.')
  return user !== undefined && device !== undefined ? { user, device, rest: rest.join('.') } : undefined
}
