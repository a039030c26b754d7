// How many pieces a download asks for at once, over all its peers: what arrives in `aheadMs`, at least `leastPieces`.
// So choices are made late, and a piece that is new in the swarm is passed on soon. It steadies itself: where peers
// take longer to answer, what arrives in that time is less than was asked for, and less is asked for.

export interface RequestWindow {
  received(bytes: number, nowMs: number): void
  readonly pieces: number
}

/** What came longer ago than this counts less and less. */
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
    // At first there was less time than is remembered.
    const heardMs = Math.max(this.#lastMs - this.#sinceMs, memoryMs / 5)
    return this.#weighted / memoryMs / (1 - Math.exp(-heardMs / memoryMs))
  }
}

export const createRequestWindow = (of: Limits): RequestWindow => new MeasuredWindow(of)
