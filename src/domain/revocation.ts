// Which access was revoked, and which tickets that makes void: those issued at or before that point of the log. Goes by
// log positions, never by clocks: trackers' clocks differ from a device's, and a tracker may be behind. A member that was
// admitted again holds later tickets. A restored log (a higher epoch) is later than everything before it: revocations that
// it does not hold lapse, and older tickets end once it revokes.

import { type DeviceRef, deviceKey } from './device-ref.ts'
import { isLater, type LogPosition } from './log-position.ts'

export type Withdrawn =
  /** That user is no member of the group. */
  | { readonly kind: 'membership'; readonly user: string; readonly group: string }
  /** That device is logged out. */
  | { readonly kind: 'device'; readonly user: string; readonly device: string }
  /** Nothing of that share may be served from here: its group, or this device, no longer offers it. */
  | { readonly kind: 'share'; readonly share: string }

/** `seq`: a point of the log at which it was so; `epoch`: of which log. */
export type Revocation = Withdrawn & { readonly seq: number; readonly epoch?: number | undefined }

/** What a ticket gives its holder, and the log's sequence at which it was issued. */
export interface Access {
  readonly holder: DeviceRef
  readonly group: string
  readonly share: string
  readonly seq: number
  readonly epoch?: number
}

/** By what was withdrawn: the latest point at which it was, and when that was heard, ms since 1970. */
export type Revocations = ReadonlyMap<string, LogPosition & { readonly heardAt: number }>

function keyOf(withdrawn: Withdrawn): string {
  switch (withdrawn.kind) {
    case 'membership':
      return `membership ${withdrawn.user} ${withdrawn.group}`
    case 'device':
      return `device ${deviceKey(withdrawn)}`
    case 'share':
      return `share ${withdrawn.share}`
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
  withdrawal: Revocation,
  now: number,
  rememberMs: number,
): Revocations {
  const key = keyOf(withdrawal)
  const recent = new Map([...known].filter(([, { heardAt }]) => heardAt > now - rememberMs))
  const before = known.get(key)
  const at = { epoch: withdrawal.epoch ?? 0, seq: withdrawal.seq }
  const { epoch, seq } = before && isLater(before, at) ? before : at
  return recent.set(key, { epoch, seq, heardAt: now })
}

export const isVoid = (known: Revocations, access: Access): boolean =>
  keysOf(access).some(key => {
    const withdrawn = known.get(key)
    return withdrawn !== undefined && !isLater({ epoch: access.epoch ?? 0, seq: access.seq }, withdrawn)
  })
