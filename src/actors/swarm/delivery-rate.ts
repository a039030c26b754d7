// What one peer delivers, in bytes a second, over the time that something was outstanding: a link with nothing to ask
// for says nothing of its peer. From it follow how far ahead to ask, in blocks and in pieces.

import { downloadTunables, peerTunables } from '../../../config/swarm.ts'
import type { FileShape } from '../../wire/frames.ts'

/** How much a new window weighs against what was known: a few windows forget a burst. */
const newShare = 0.3

export interface DeliveryRate {
  /** Undefined before a first window has passed. */
  readonly bytesPerSecond: number | undefined
  /** The first request after idling. */
  began(nowMs: number): void
  /** Bytes came; `idle` when nothing is outstanding after them. */
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

/** Bytes that such a peer delivers in the time it is asked ahead for. */
const pipelineBytes = (bytesPerSecond: number) => (bytesPerSecond * peerTunables.pipelineMs) / 1000

export const blocksAhead = (bytesPerSecond: number): number =>
  clamp(
    Math.ceil(pipelineBytes(bytesPerSecond) / peerTunables.blockBytes),
    peerTunables.minBlocksInFlight,
    peerTunables.maxBlocksInFlight,
  )

/** One more than fill the pipeline, so that the end of one piece leaves no gap; one of a peer that delivered nothing yet. */
export const piecesAhead = (bytesPerSecond: number, { pieceLength }: FileShape): number =>
  clamp(1 + Math.ceil(pipelineBytes(bytesPerSecond) / pieceLength), 1, downloadTunables.maxPiecesPerPeer)
