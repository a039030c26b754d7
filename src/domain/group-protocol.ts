// What a group is, what it can be told, and what it then says happened. The rules are in group.ts.

import type { DeviceRef } from './device-ref.ts'
import type { Manifest } from './manifest.ts'

export interface Share {
  readonly id: string
  readonly manifest: Manifest
  /** `user/device` keys of the devices that offer all of it, in the order they came. */
  readonly sharers: ReadonlySet<string>
}

export interface Group {
  /** Undefined while no such group exists, or after it ended. */
  readonly group: string | undefined
  readonly owner: string
  /** It is listed to its members and to those who have asked to join; to others it does not exist. */
  readonly isHidden: boolean
  /** Member -> since when (ms since 1970), longest-standing first. */
  readonly members: ReadonlyMap<string, number>
  /** Requester -> since when (ms since 1970), oldest first. */
  readonly requests: ReadonlyMap<string, number>
  /** File name -> share. */
  readonly shares: ReadonlyMap<string, Share>
}

/**
 * What decisions read of a group. A `Group` is one; a tracker's reads single rows (storage/projection-aggregates.ts), so that a
 * decision costs what its command concerns.
 */
export interface GroupView extends Pick<Group, 'group' | 'owner' | 'isHidden'> {
  readonly members: {
    has(user: string): boolean
    /** Longest-standing first. */
    keys(): Iterable<string>
  }
  readonly requests: { has(user: string): boolean }
  readonly shares: { get(name: string): ShareView | undefined }
}

export interface ShareView {
  readonly id: string
  /** `user/device` keys. */
  readonly sharers: Iterable<string> & { has(device: string): boolean }
}

/** `at`: ms since 1970, by the deciding tracker's clock. */
export type PersonsGroupCommand = { readonly by: DeviceRef; readonly at: number } & (
  | { readonly type: 'create'; readonly group: string; readonly hidden?: boolean }
  | { readonly type: 'request-to-join' }
  | { readonly type: 'leave' }
  | { readonly type: 'accept'; readonly user: string }
  | { readonly type: 'reject'; readonly user: string }
  | { readonly type: 'remove'; readonly user: string }
  | { readonly type: 'transfer'; readonly user: string }
  | { readonly type: 'share'; readonly manifest: Manifest }
  /** Stop sharing: from this device alone, or from every device of the user. */
  | { readonly type: 'unshare'; readonly name: string; readonly devices: 'this' | 'all' }
)

export type GroupCommand =
  | PersonsGroupCommand
  /** The operator makes a member its owner, also when the owner cannot or will not. */
  | { readonly type: 'appoint'; readonly user: string; readonly at: number }

export type GroupEvent = { readonly group: string } & (
  | { readonly type: 'group.created'; readonly owner: string; readonly at: number; readonly hidden?: true | undefined }
  | { readonly type: 'join.requested'; readonly user: string; readonly at: number }
  | { readonly type: 'join.accepted'; readonly user: string; readonly at: number }
  | { readonly type: 'join.rejected'; readonly user: string }
  /** Both also remove all of that user's devices from their shares, and end shares that are left without a sharer. */
  | { readonly type: 'member.left'; readonly user: string }
  | { readonly type: 'member.removed'; readonly user: string }
  | { readonly type: 'owner.changed'; readonly user: string }
  | { readonly type: 'group.ended' }
  | { readonly type: 'share.created'; readonly id: string; readonly manifest: Manifest }
  | { readonly type: 'sharer.added'; readonly name: string; readonly user: string; readonly device: string }
  /** No device: all of that user's. */
  | {
      readonly type: 'sharer.removed'
      readonly name: string
      readonly user: string
      readonly device?: string | undefined
    }
  | { readonly type: 'share.ended'; readonly name: string }
)
