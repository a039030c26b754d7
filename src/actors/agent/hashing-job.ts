// What hashing.ts and its worker threads share: the memory of a job, and what is where in it.

/** The memory of a job that its lanes and hashing.ts share. */
export interface HashJob {
  readonly kind: 'hash'
  /** Open for reading in this process until every lane has ended. */
  readonly fd: number
  readonly size: number
  readonly pieceLength: number
  /** Slots of `chunkBytes`. */
  readonly ring: SharedArrayBuffer
  /** Int32s, by the names below. */
  readonly counters: SharedArrayBuffer
  /** Every piece's SHA-1 in order; absent when they are not asked for. */
  readonly pieceHashes?: SharedArrayBuffer
}

export interface RecheckJob {
  readonly kind: 'recheck'
  readonly fd: number
  readonly size: number
  readonly pieceLength: number
  readonly counters: SharedArrayBuffer
  /** What every piece's SHA-1 should be. */
  readonly expected: SharedArrayBuffer
  /** A byte a piece: 1 is to be checked. Set to 0 when it is wrong. */
  readonly right: SharedArrayBuffer
}

export type Lane = 'sha1' | 'sha256'
export const lanes: readonly Lane[] = ['sha1', 'sha256']

/** What a thread is told to do. */
export interface Task {
  readonly job: HashJob | RecheckJob
  readonly lane: Lane
}

/** The smallest piece length, so it divides every other; few system calls, and half of it fits a core's cache. */
export const chunkBytes = 512 * 1024

/** Indexes into the counters: how often a lane did what another may wait for. */
export const steps = 0
/** Chunks that somebody set out to read, and that are read; pieces that somebody took. */
export const chunksClaimed = 1
export const chunksFilled = 2
export const piecesClaimed = 3
/** How many chunks each lane has hashed: from here on. */
export const chunksHashed = 4
/** From which chunk on each lane still needs them for the piece it took: from here on. */
export const pieceChunk = chunksHashed + lanes.length
/** Chunks that the file has from its beginning on, and that may be read: all, unless it is still growing. */
export const chunksThere = pieceChunk + lanes.length

/** Stands for the chunk of a lane that has no piece. */
export const noPiece = 2 ** 31 - 1

export function createCounters(): Int32Array<SharedArrayBuffer> {
  const counters = new Int32Array(new SharedArrayBuffer(4 * (chunksThere + 1)))
  return counters.fill(noPiece, pieceChunk, chunksThere)
}

/** Whoever waits looks again. */
export function advance(counters: Int32Array, counter: number, value: number): void {
  Atomics.store(counters, counter, value)
  Atomics.add(counters, steps, 1)
  Atomics.notify(counters, steps)
}
