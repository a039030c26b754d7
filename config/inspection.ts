// The numbers of watching the machines at work.

/** Watching the machines. */
export const inspectionTunables = {
  /**
   * Steps of one actor are merged to at most one in this time: five a second are about what an eye follows. The other times
   * are multiples of it, so that all is said in one breath: what is watched and the brokers wake up for it seldom.
   */
  leastGapMs: 200,
  /** Where only the context changes: a number that one reads. */
  leastQuietGapMs: 600,
  /** Of all actors in `leastGapMs`: the others' steps go on being merged. */
  mostStepsAtOnce: 48,
  /** Published and not yet taken by a broker: beyond it things are dropped, and memory stays bounded. */
  mostBytesOnTheirWay: 512 * 1024,
  /** The broker is asked this often whether it has taken them; at once when they are half of that. */
  flushEveryMs: 1_000,
  /** A watcher says this often that it is there, and is forgotten after so many it did not say. */
  watchEveryMs: 2_000,
  missedWatches: 3,
  /** A download's pieces and peers, whole, this often: 10 KB for a thousand pieces. */
  downloadEveryMs: 600,
  /** Downloads that ended are shown on, so many of a device: what is kept of one is what is shown, two bytes a piece. */
  keptEndedDownloads: 16,
  /** What actors said to each other, gathered. */
  messagesEveryMs: 200,
} as const
