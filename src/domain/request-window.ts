// How many pieces a download requests ahead, over all its peers: as many as arrive in `aheadMs`, and at least `leastPieces`.
// Pieces are thus chosen late, and pieces new to the swarm are passed on soon. It stabilises itself: when peers answer more
// slowly, less arrives in that time, and less is requested.

export interface RequestWindow {
  received(bytes: number, nowMs: number): void
  readonly pieces: number
}

/** Bytes that arrived longer ago than this count less and less. */
const memoryMs = 500

interface Limits {
  readonly pieceLength: number
  readonly aheadMs: number
  readonly leastPieces: number
  readonly mostPieces: number
}

class MeasuredWindow implements RequestWindow {
  readonly #of: Limits
  #weighted = 0
  #sinceMs: number | undefined
  #lastMs = 0

  constructor(of: Limits) {
    this.#of = of
  }
  received(bytes: number, nowMs: number) {
    if (this.#sinceMs === undefined) this.#sinceMs = nowMs
    else this.#weighted = this.#weighted * Math.exp((this.#lastMs - nowMs) / memoryMs) + bytes
    this.#lastMs = nowMs
  }
  get pieces() {
    const { aheadMs, pieceLength, leastPieces, mostPieces } = this.#of
    const ahead = Math.ceil((this.#bytesPerMs() * aheadMs) / pieceLength)
    return Math.min(Math.max(ahead, leastPieces), mostPieces)
  }
  #bytesPerMs() {
    if (this.#sinceMs === undefined) return 0
    // At the start, less time has passed than the memory covers.
    const heardMs = Math.max(this.#lastMs - this.#sinceMs, memoryMs / 5)
    return this.#weighted / memoryMs / (1 - Math.exp(-heardMs / memoryMs))
  }
}

export const createRequestWindow = (of: Limits): RequestWindow => new MeasuredWindow(of)
