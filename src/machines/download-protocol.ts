// The events between a download, its store and its locator, and what a run of a download begins and ends with. Events to and
// from peers are in swarm-protocol.ts.

import type { Bitfield } from '../domain/bitfield.ts'
import type { Manifest } from '../domain/manifest.ts'
import type { RefusalCode } from '../domain/refusal.ts'
import type { Delivery } from '../wire/agent-api.ts'
import type { SwarmPeer } from '../wire/tracker-api.ts'
import type { DownloadSessionEvent, PeerKey } from './swarm-protocol.ts'

export interface DownloadSpec {
  /** Its number on this device. */
  readonly id: number
  readonly group: string
  readonly name: string
  readonly share: string
  readonly manifest: Manifest
  /** The finished file's absolute path. */
  readonly path: string
  /** A different file at `path` may be replaced. */
  readonly overwrite: boolean
}

export interface Problem {
  readonly code: RefusalCode
  readonly message: string
}

/** `suspended`: the agent stops or logs out; the next session continues the download. */
export type Ending = 'completed' | 'paused' | 'suspended' | 'failed' | 'cancelled'

/** What earlier runs of the same download took. */
export interface Spent {
  readonly seconds: number
  readonly fetchedBytes: number
  readonly deliveries: readonly Delivery[]
}

export interface DownloadInput {
  readonly spec: DownloadSpec
  readonly spent: Spent
  /** Milliseconds, from a monotonic clock. */
  readonly now: () => number
  /** Downloads running on this device, this one included: they share the memory for unwritten pieces. */
  readonly running: () => number
}

export type StoreCommand =
  | {
      readonly type: 'piece.check'
      readonly peer: PeerKey
      readonly via: Delivery['via']
      readonly piece: number
      readonly data: Buffer
    }
  /** Bytes that were no longer wanted when they arrived. */
  | { readonly type: 'piece.wasted'; readonly bytes: number }
  | { readonly type: 'whole.check' }
  | { readonly type: 'file.finish' }
  /** Finish writing, then close; `discard` also removes the part file. */
  | { readonly type: 'store.close'; readonly discard: boolean }

export type StoreEvent =
  /** Destination and disk are fine. `have` is what the part file holds, just checked; it grows with each piece. */
  | { readonly type: 'store.ready'; readonly have: Bitfield }
  /** The same file is at the destination already, and is now shared from there. */
  | { readonly type: 'store.there' }
  /** It matches its SHA-1, is in the part file and in the library, and is on offer to others. */
  | {
      readonly type: 'piece.verified'
      readonly peer: PeerKey
      readonly piece: number
      /** How long each step took, waiting included. */
      readonly checkedInMs: number
      readonly writtenInMs: number
    }
  | { readonly type: 'piece.rejected'; readonly peer: PeerKey; readonly piece: number }
  | { readonly type: 'whole.right' }
  /** The whole file does not match because of these pieces, which `have` no longer holds. */
  | { readonly type: 'whole.wrong'; readonly pieces: readonly number[] }
  /** The file has its name, and this device shares it. */
  | { readonly type: 'file.finished' }
  | ({ readonly type: 'store.failed' } & Problem)
  | { readonly type: 'store.closed' }

export type LocatorCommand = { readonly type: 'swarm.locate' }

export type LocatorEvent =
  /** `sharers`: devices that offer the whole file, online or not. */
  | { readonly type: 'swarm.located'; readonly peers: readonly SwarmPeer[]; readonly sharers?: number }
  /** No device shares it now; one may again. */
  | ({ readonly type: 'swarm.absent' } & Problem)
  /** Trackers are away, or busy. */
  | ({ readonly type: 'swarm.unanswered' } & Problem)
  /** We may not have it. */
  | ({ readonly type: 'swarm.refused' } & Problem)

export type DownloadCommand =
  | { readonly type: 'download.pause' }
  | { readonly type: 'download.cancel' }
  | { readonly type: 'download.suspend' }
  /** A notice said so, or notices may have been missed. */
  | { readonly type: 'swarm.changed' }
  /** This peer fetches the same share from us. */
  | { readonly type: 'peer.admitted'; readonly peer: PeerKey }

export type DownloadEvent = DownloadCommand | StoreEvent | LocatorEvent | DownloadSessionEvent

export interface DownloadOutput {
  readonly ending: Ending
  readonly problem: Problem | undefined
}
