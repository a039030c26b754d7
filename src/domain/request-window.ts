// How many pieces a download asks for at once, over all its peers: what arrives in `aheadMs`, at least `leastPieces`.
// So choices are made late, and a piece that is new in the swarm is passed on soon. It steadies itself: where peers
// take longer to answer, what arrives in that time is less than was asked for, and less is asked for.

export interface RequestWindow {
  received(bytes: number, nowMs: number): void
  readonly pieces: number
}

/** What came longer ago than this counts less and less. */
const memoryMs = 500

export function createRequestWindow(of: {
  readonly pieceLength: number
  readonly aheadMs: number
  readonly leastPieces: number
  readonly mostPieces: number
}): RequestWindow {
  let weighted = 0
  let sinceMs: number | undefined
  let lastMs = 0
  const bytesPerMs = () => {
    if (sinceMs === undefined) return 0
    // At first there was less time than is remembered.
    const heardMs = Math.max(lastMs - sinceMs, memoryMs / 5)
    return weighted / memoryMs / (1 - Math.exp(-heardMs / memoryMs))
  }
  return {
    received(bytes, nowMs) {
      if (sinceMs === undefined) sinceMs = nowMs
      else weighted = weighted * Math.exp((lastMs - nowMs) / memoryMs) + bytes
      lastMs = nowMs
    },
    get pieces() {
      const ahead = Math.ceil((bytesPerMs() * of.aheadMs) / of.pieceLength)
      return Math.min(Math.max(ahead, of.leastPieces), of.mostPieces)
    },
  }
}
