// What hashing.ts and its worker threads share: a job's memory, and its layout.

/** Hashes a file as a whole, and its pieces. Its lanes and hashing.ts share this memory. */
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
  /** Every piece's SHA-1, in order; absent when pieces need not be hashed. */
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
  /** One byte a piece: 1 to check it. A lane sets it to 0 when the piece is wrong. */
  readonly right: SharedArrayBuffer
}

export type Lane = 'sha1' | 'sha256'
export const lanes: readonly Lane[] = ['sha1', 'sha256']

/** What a thread is asked to do. */
export interface Task {
  readonly job: HashJob | RecheckJob
  readonly lane: Lane
}

/** The smallest piece length, so it divides all others. Few system calls, and half of it fits a core's cache. */
export const chunkBytes = 512 * 1024

/** Indexes into the counters. This one counts the steps that another lane may wait for. */
export const steps = 0
/** Chunks that a lane claimed to read; chunks that are read; pieces that a lane took. */
export const chunksClaimed = 1
export const chunksFilled = 2
export const piecesClaimed = 3
/** How many chunks each lane has hashed: from here on. */
export const chunksHashed = 4
/** The first chunk that each lane still needs for the piece it took: from here on. */
export const pieceChunk = chunksHashed + lanes.length
/** Chunks from the file's beginning on that may be read: all of them, unless the file is still growing. */
export const chunksThere = pieceChunk + lanes.length

/** Stands for the chunk of a lane that has no piece. */
export const noPiece = 2 ** 31 - 1

export function createCounters(): Int32Array<SharedArrayBuffer> {
  const counters = new Int32Array(new SharedArrayBuffer(4 * (chunksThere + 1)))
  return counters.fill(noPiece, pieceChunk, chunksThere)
}

/** Sets a counter and wakes the lanes that wait. */
export function advance(counters: Int32Array, counter: number, value: number): void {
  Atomics.store(counters, counter, value)
  Atomics.add(counters, steps, 1)
  Atomics.notify(counters, steps)
}
