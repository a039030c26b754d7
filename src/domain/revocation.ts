// Tracks which access was revoked, and which tickets that voids: those issued at or before that position of the log. It
// compares log positions, never clocks: clocks differ between trackers and devices, and a tracker may lag. A member who was
// admitted again holds later tickets. A restored log has a higher epoch, which is later than everything before it:
// revocations from the old log lapse, and a revocation from the new log voids every older ticket that it concerns.

import { type DeviceRef, deviceKey } from './device-ref.ts'
import { isLater, type LogPosition } from './log-position.ts'

export type RevokedAccess =
  /** The user is not a member of the group. */
  | { readonly kind: 'membership'; readonly user: string; readonly group: string }
  /** The device is logged out. */
  | { readonly kind: 'device'; readonly user: string; readonly device: string }
  /** This device may not serve the share: the group no longer has it, or not from this device. */
  | { readonly kind: 'share'; readonly share: string }

/** `seq`: a position of the log at which the access was revoked; `epoch`: of which log. */
export type Revocation = RevokedAccess & { readonly seq: number; readonly epoch?: number | undefined }

/** What a ticket gives its holder, and the log's sequence at which it was issued. */
export interface Access {
  readonly holder: DeviceRef
  readonly group: string
  readonly share: string
  readonly seq: number
  readonly epoch?: number
}

/** By revoked access: its latest position in the log, and when this device heard of it, ms since 1970. */
export type Revocations = ReadonlyMap<string, LogPosition & { readonly heardAt: number }>

function keyOf(access: RevokedAccess): string {
  switch (access.kind) {
    case 'membership':
      return `membership ${access.user} ${access.group}`
    case 'device':
      return `device ${deviceKey(access)}`
    case 'share':
      return `share ${access.share}`
  }
}

const keysOf = ({ holder, group, share }: Access): string[] => [
  keyOf({ kind: 'membership', user: holder.user, group }),
  keyOf({ kind: 'device', ...holder }),
  keyOf({ kind: 'share', share }),
]

/** `known` with one more, and without those heard longer ago than `rememberMs`. */
export function withRevocation(
  known: Revocations,
  revocation: Revocation,
  now: number,
  rememberMs: number,
): Revocations {
  const key = keyOf(revocation)
  const recent = new Map([...known].filter(([, { heardAt }]) => heardAt > now - rememberMs))
  const before = known.get(key)
  const at = { epoch: revocation.epoch ?? 0, seq: revocation.seq }
  const { epoch, seq } = before && isLater(before, at) ? before : at
  return recent.set(key, { epoch, seq, heardAt: now })
}

export const isVoid = (known: Revocations, access: Access): boolean =>
  keysOf(access).some(key => {
    const revoked = known.get(key)
    return revoked !== undefined && !isLater({ epoch: access.epoch ?? 0, seq: access.seq }, revoked)
  })
