// The numbers of the agent: its life, and hashing files.

/** Hashing files. */
export const hashingTunables = {
  /** Read and not yet hashed: evens out what the two threads do, also while one gets no core for some milliseconds. */
  ringBytes: 16 * 1024 * 1024,
  /** The same where no pieces are hashed: the two threads do alike then. */
  wholeRingBytes: 4 * 1024 * 1024,
  /** People see progress this often; asking costs nothing. */
  progressEveryMs: 250,
  /** Threads are kept this long after a job for the next; starting them takes 0.1 s, on a busy machine much longer. */
  threadsIdleMs: 5_000,
  /**
   * From so much of a download's beginning on, the whole is hashed while the rest arrives: less is hashed at the end in
   * the time that starting the threads takes. At most so many downloads at once, for the two threads of each hold 10 MiB.
   */
  followFromBytes: 32 * 1024 * 1024,
  mostFollowed: 2,
  /** With so few pieces missing a download has the threads started that will check the whole, unless they are at it. */
  expectedAtPieces: 8,
  /** Of an arrived piece, hashed before the event loop gets its turn again: 0.6 ms. */
  sliceBytes: 1024 * 1024,
} as const

/** The agent as a whole. */
export const agentTunables = {
  /** Between attempts to connect while brokers or trackers are away, doubling. */
  retry: { firstMs: 500, mostMs: 5_000 },
  /** A part of the agent that failed is started again after this long, doubling up to the most. */
  restart: { firstMs: 1_000, mostMs: 4_000 },
  /** A part that ran this long has recovered: its next failure starts the doubling anew. */
  steadyAfterMs: 10_000,
  /** What a full disk did not take is written down within this of there being room. */
  recordAgainMs: 1_000,
  /** For a command line that looked, for an instant, whether an agent holds the library. */
  libraryPatienceMs: 500,
  /** A finished download, or a share that trackers could not be told of, is told to them within this. */
  settleSharesEveryMs: 500,
  /** Trackers that take no more for now (`writeTunables`) are told of what is shared again after this. */
  announceAgainMs: 60_000,
  /** Files that stopped being shared, kept to be shown: a person reads the last few. */
  mostTroubles: 20,
  /** Writes end, part files close and the goodbye is out within this, or the agent goes without. */
  leaveWithinMs: 5_000,
  /** For a goodbye to reach a broker, if one is there: a round trip. */
  goodbyeWithinMs: 1_000,
  /** The home's folder is watched for a log-in, and looked at this often in case watching does not work there. */
  lookForSessionMs: 1_000,
} as const
