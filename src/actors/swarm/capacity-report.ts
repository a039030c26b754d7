// Reports how many pieces a peer could usefully have in flight and how fast it delivers. Sends only changes that matter:
// a report a block would make the download reconsider every peer for nothing. Does no I/O.

import type { FileShape } from '../../wire/frames.ts'
import { piecesAhead } from './delivery-rate.ts'

export interface Capacity {
  readonly pieces: number
  /** Undefined before the first measurement. */
  readonly bytesPerSecond: number | undefined
}

/** A rate is reported again once it differs from the last report by this factor. */
const notableChange = 1.25

const isNotable = (before: number | undefined, now: number | undefined): boolean =>
  before === undefined || now === undefined
    ? before !== now
    : now > before * notableChange || now * notableChange < before

export class CapacityReport {
  readonly #shape: FileShape
  readonly #send: (capacity: Capacity) => void
  #sent: Capacity | undefined

  constructor(shape: FileShape, send: (capacity: Capacity) => void) {
    this.#shape = shape
    this.#send = send
  }

  update(bytesPerSecond: number | undefined): void {
    const pieces = piecesAhead(bytesPerSecond ?? 0, this.#shape)
    if (this.#sent?.pieces === pieces && !isNotable(this.#sent.bytesPerSecond, bytesPerSecond)) return
    this.#sent = { pieces, bytesPerSecond }
    this.#send(this.#sent)
  }
}
