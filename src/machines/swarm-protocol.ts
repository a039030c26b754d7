// What downloads, their sessions and the uploads machine say to each other: the events that cross between machines.
// One event a piece, never one a block: bytes move inside the connections.

import type { Bitfield } from '../domain/bitfield.ts'
import type { Manifest } from '../domain/manifest.ts'
import type { Refusal } from '../domain/refusal.ts'
import type { Revocation } from '../domain/revocation.ts'
import type { RefusalReason } from '../wire/frames.ts'
import type { SwarmPeer } from '../wire/tracker-api.ts'

/** `user/device` (domain/group.ts, deviceKey): one peer of a swarm. */
export type PeerKey = string

/** How a peer is connected. */
export type Via = 'direct' | 'relay'

/** Download -> download session. */
export type DownloadSessionCommand =
  /** Fetch this whole piece. Several may be wanted at once, up to the session's last `peer.capacity`. */
  | { readonly type: 'piece.wanted'; readonly piece: number }
  /** Another peer delivered it (endgame), or the download pauses. */
  | { readonly type: 'piece.unwanted'; readonly piece: number }
  /** It has unchoked us, and nothing is wanted from it now. */
  | { readonly type: 'unchoke.passed' }
  /** A later look-up brought a fresh ticket or address, for the next attempt. */
  | { readonly type: 'peer.refreshed'; readonly peer: SwarmPeer }
  /** Disconnect and end. No event follows. */
  | { readonly type: 'session.close'; readonly reason: string }

/** Download session -> download. */
export type DownloadSessionEvent =
  /** Handshake and bitfield are in. `have` is live: it grows with every `peer.have`. */
  | { readonly type: 'peer.ready'; readonly peer: PeerKey; readonly via: Via; readonly have: Bitfield }
  | { readonly type: 'peer.have'; readonly peer: PeerKey; readonly piece: number }
  /**
   * How many pieces it could usefully have in flight, by what it delivers; sent when that changes, also while a block
   * is on its way, and first with ready. The rate is undefined before anything has been asked of it for a while.
   */
  | {
      readonly type: 'peer.capacity'
      readonly peer: PeerKey
      readonly pieces: number
      readonly bytesPerSecond: number | undefined
    }
  /** Every block has arrived, unchecked. The receiver owns the buffer, and gives it back to its pool. */
  | { readonly type: 'piece.received'; readonly peer: PeerKey; readonly piece: number; readonly data: Buffer }
  /** It will not come from this peer now: the peer refused it (wire/frames.ts says why) or was lost. */
  | {
      readonly type: 'piece.returned'
      readonly peer: PeerKey
      readonly piece: number
      readonly why: RefusalReason | 'lost'
      readonly reason: string
    }
  /** It was busy and is not any more. To be answered by a `piece.wanted` or `unchoke.passed`. */
  | { readonly type: 'peer.unchoked'; readonly peer: PeerKey }
  /** The pieces it gave to no one yet. */
  | { readonly type: 'peer.fresh'; readonly peer: PeerKey; readonly fresh: Bitfield }
  /** Its upload cap, over all its peers, by its own word: our requests wait for it. 0: no cap any more. */
  | { readonly type: 'peer.limited'; readonly peer: PeerKey; readonly bytesPerSecond: number }
  /**
   * Disconnected, or an attempt to connect failed; every piece wanted from it has been returned. The session tries again by
   * itself unless `final`: then it has ended.
   */
  | { readonly type: 'peer.lost'; readonly peer: PeerKey; readonly reason: string; readonly final: boolean }

/** Something to upload: a whole shared file, or what a running download has verified. */
export interface Offer {
  readonly share: string
  readonly group: string
  readonly manifest: Manifest
  /** Live: the offer's owner adds to it before it announces the piece. */
  readonly have: Bitfield
  /** It is found again when a peer comes for it: the uploads machine holds it only while peers fetch it. */
  readonly isFindable?: true
  /**
   * Fills the buffers, one after the other, with bytes of a piece that `have` holds. Rejects when the file changed or
   * vanished: the offer then leaves by itself.
   */
  read(piece: number, offset: number, into: readonly Buffer[]): Promise<void>
}

/** Library and downloads -> uploads. */
export type UploadsCommand =
  /** Also in place of an earlier offer of the same share (a download that has become a shared file): no removal before it. */
  | { readonly type: 'offer.added'; readonly offer: Offer }
  | { readonly type: 'offer.removed'; readonly share: string }
  | { readonly type: 'piece.available'; readonly share: string; readonly piece: number }
  /** Close sessions whose tickets this voids, and refuse those tickets from now on. */
  | { readonly type: 'access.revoked'; readonly revocation: Revocation }
  /** Serve at most that many peers at once. The latest surplus ones are disconnected, and may come again. */
  | { readonly type: 'sessions.limited'; readonly most: number }

/** Uploads -> agent. */
export type UploadsEvent =
  /** It listens; the port is what presence says. */
  | { readonly type: 'uploads.opened'; readonly host: string; readonly port: number }
  /** It cannot listen there, or stopped listening, and has ended. */
  | { readonly type: 'uploads.failed'; readonly refusal: Refusal }
  /** A peer with a ticket was admitted. Its access must now be checked with the trackers. */
  | { readonly type: 'peer.admitted'; readonly share: string; readonly peer: PeerKey }
  /** The file changed or vanished. Its offer is already removed. */
  | { readonly type: 'offer.failed'; readonly share: string; readonly error: Error }
