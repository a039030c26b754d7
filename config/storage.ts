// Tunables of hashing files.

export const hashingTunables = {
  /** Bytes read and not yet hashed. Evens out the two threads, even while one gets no core for some milliseconds. */
  ringBytes: 16 * 1024 * 1024,
  /** The same when no pieces are hashed: the two threads then do the same amount of work. */
  wholeRingBytes: 4 * 1024 * 1024,
  /** How often progress is reported. Reading it costs nothing. */
  progressEveryMs: 250,
  /** Threads are kept this long for the next job. Starting them takes 0.1 s, on a busy machine much longer. */
  threadsIdleMs: 5_000,
  /**
   * Once this much of a download's beginning is there, it is hashed while the rest arrives; less than this is hashed at the
   * end in the time that starting the threads takes. At most this many downloads at once: the threads of each hold 10 MiB.
   */
  followFromBytes: 32 * 1024 * 1024,
  mostFollowed: 2,
  /** With this few pieces missing, the threads for checking the whole file are started, unless they run already. */
  expectedAtPieces: 8,
  /** Bytes of an arrived piece hashed before yielding to the event loop: 0.6 ms. */
  sliceBytes: 1024 * 1024,
} as const
