// What a download, its store and its locator say to each other, and what a run of a download begins and ends with.
// What peers have to do with it is in swarm-protocol.ts.

import type { Bitfield } from '../domain/bitfield.ts'
import type { Manifest } from '../domain/manifest.ts'
import type { RefusalCode } from '../domain/refusal.ts'
import type { Delivery } from '../wire/agent-api.ts'
import type { SwarmPeer } from '../wire/tracker-api.ts'
import type { DownloadSessionEvent, PeerKey } from './swarm-protocol.ts'

export interface DownloadSpec {
  /** Numbered on this device. */
  readonly id: number
  readonly group: string
  readonly name: string
  readonly share: string
  readonly manifest: Manifest
  /** Where the finished file goes: absolute, the name included. */
  readonly path: string
  /** A different file at `path` may be replaced. */
  readonly overwrite: boolean
}

export interface Problem {
  readonly code: RefusalCode
  readonly message: string
}

/** `suspended`: the agent stops or logs out; the next session goes on with it. */
export type Ending = 'completed' | 'paused' | 'suspended' | 'failed' | 'cancelled'

/** What earlier runs of the same download came to. */
export interface Spent {
  readonly seconds: number
  readonly fetchedBytes: number
  readonly deliveries: readonly Delivery[]
}

export interface DownloadInput {
  readonly spec: DownloadSpec
  readonly spent: Spent
  /** Milliseconds, from a clock that never goes back. */
  readonly now: () => number
  /** Downloads that run on this device now, this one included: they share the memory for pieces on their way. */
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
  /** Bytes that nobody waited for any more. */
  | { readonly type: 'piece.wasted'; readonly bytes: number }
  | { readonly type: 'whole.check' }
  | { readonly type: 'file.finish' }
  /** Finish what is being written, then close; `discard` removes the part file too. */
  | { readonly type: 'store.close'; readonly discard: boolean }

export type StoreEvent =
  /** Destination and disk are fine; `have` is what the part file holds, checked just now. It grows with each piece. */
  | { readonly type: 'store.ready'; readonly have: Bitfield }
  /** The very bytes are at the destination already, and are shared from there now. */
  | { readonly type: 'store.there' }
  /** Matches its SHA-1, is in the part file and in the library, and on offer to others. */
  | {
      readonly type: 'piece.verified'
      readonly peer: PeerKey
      readonly piece: number
      /** What each took, waiting included. */
      readonly checkedInMs: number
      readonly writtenInMs: number
    }
  | { readonly type: 'piece.rejected'; readonly peer: PeerKey; readonly piece: number }
  | { readonly type: 'whole.right' }
  /** The whole does not match, because of these pieces, which `have` holds no more. */
  | { readonly type: 'whole.wrong'; readonly pieces: readonly number[] }
  /** It has its name, and this device shares it. */
  | { readonly type: 'file.finished' }
  | ({ readonly type: 'store.failed' } & Problem)
  | { readonly type: 'store.closed' }

export type LocatorCommand = { readonly type: 'swarm.locate' }

export type LocatorEvent =
  /** `sharers`: devices that offer the whole file, online or not. */
  | { readonly type: 'swarm.located'; readonly peers: readonly SwarmPeer[]; readonly sharers?: number }
  /** Nobody shares it now; somebody may again. */
  | ({ readonly type: 'swarm.absent' } & Problem)
  /** Trackers are away, or busy. */
  | ({ readonly type: 'swarm.unanswered' } & Problem)
  /** We may not have it. */
  | ({ readonly type: 'swarm.refused' } & Problem)

export type DownloadCommand =
  | { readonly type: 'download.pause' }
  | { readonly type: 'download.cancel' }
  | { readonly type: 'download.suspend' }
  /** A notice says so, or notices may have been missed. */
  | { readonly type: 'swarm.changed' }
  /** This peer fetches the same share from us. */
  | { readonly type: 'peer.met'; readonly peer: PeerKey }

export type DownloadEvent = DownloadCommand | StoreEvent | LocatorEvent | DownloadSessionEvent

export interface DownloadOutput {
  readonly ending: Ending
  readonly problem: Problem | undefined
}
