// What one peer delivers, in bytes a second, measured only while requests are outstanding. From it follows how far ahead
// to request, in blocks and in pieces.

import { downloadTunables, peerTunables } from '../../../config/swarm.ts'
import type { FileShape } from '../../wire/frames.ts'

/** Weight of a new window in the smoothed rate: a burst is forgotten within a few windows. */
const newShare = 0.3

export interface DeliveryRate {
  /** Undefined before the first window has passed. */
  readonly bytesPerSecond: number | undefined
  /** A request was sent. Starts the time that counts, if nothing was outstanding. */
  began(nowMs: number): void
  /** Bytes arrived. `idle`: nothing is outstanding after them. */
  delivered(bytes: number, nowMs: number, idle: boolean): void
}

export function createDeliveryRate(): DeliveryRate {
  let rate: number | undefined
  let sinceMs: number | undefined
  let busyMs = 0
  let bytes = 0
  return {
    get bytesPerSecond() {
      return rate
    },
    began(nowMs) {
      sinceMs ??= nowMs
    },
    delivered(count, nowMs, idle) {
      bytes += count
      busyMs += nowMs - (sinceMs ?? nowMs)
      sinceMs = idle ? undefined : nowMs
      if (busyMs < peerTunables.rateWindowMs) return
      const measured = (bytes * 1000) / busyMs
      rate = rate === undefined ? measured : rate + (measured - rate) * newShare
      busyMs = 0
      bytes = 0
    },
  }
}

const clamp = (value: number, least: number, most: number) => Math.min(Math.max(value, least), most)

/** Bytes that a peer delivers in the time to request ahead. */
const pipelineBytes = (bytesPerSecond: number) => (bytesPerSecond * peerTunables.pipelineMs) / 1000

export const blocksAhead = (bytesPerSecond: number): number =>
  clamp(
    Math.ceil(pipelineBytes(bytesPerSecond) / peerTunables.blockBytes),
    peerTunables.minBlocksInFlight,
    peerTunables.maxBlocksInFlight,
  )

/** One more than fills the pipeline, so that the end of a piece leaves no gap; 1 before the peer has delivered anything. */
export const piecesAhead = (bytesPerSecond: number, { pieceLength }: FileShape): number =>
  clamp(1 + Math.ceil(pipelineBytes(bytesPerSecond) / pieceLength), 1, downloadTunables.maxPiecesPerPeer)
