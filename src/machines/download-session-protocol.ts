// What a download session and its connection say to each other. The connection uses the events of the download
// (swarm-protocol.ts), which the session passes on unchanged.

import type { Manifest } from '../domain/manifest.ts'
import type { SwarmPeer } from '../wire/tracker-api.ts'
import type { DownloadSessionCommand, DownloadSessionEvent, Via } from './swarm-protocol.ts'

export interface PeerConnectionInput {
  readonly peer: SwarmPeer
  readonly share: string
  readonly via: Via
  readonly shape: Pick<Manifest, 'size' | 'pieceLength'>
}

/** Connection -> session. */
export type PeerConnectionEvent =
  /** Both sides have proven who they are, and the hello is sent. */
  | { readonly type: 'connection.secured' }
  | Exclude<DownloadSessionEvent, { type: 'peer.lost' }>
  /** The last one. `final`: another attempt is pointless. */
  | { readonly type: 'connection.ended'; readonly reason: string; readonly final: boolean }

/** Session -> connection. */
export type PeerConnectionCommand = Extract<
  DownloadSessionCommand,
  { type: 'piece.wanted' | 'piece.unwanted' | 'unchoke.passed' }
>
