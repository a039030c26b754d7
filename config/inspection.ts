// Tunables of inspection, which shows watchers the state machines of a running process.

export const inspectionTunables = {
  /**
   * Steps of one actor are merged into at most one per interval: the eye follows about five a second. The other intervals
   * are multiples of it, so that messages go out together and the watched process and the brokers rarely wake up.
   */
  leastGapMs: 200,
  /** The same where only the context changed, since a person reads numbers more slowly. */
  leastQuietGapMs: 600,
  /** Most steps sent per `leastGapMs`, of all actors together. The rest are merged further. */
  mostStepsAtOnce: 48,
  /** Bytes published and not yet confirmed by a broker. More is dropped, so memory stays bounded. */
  mostBytesOnTheirWay: 512 * 1024,
  /** How often the connection is flushed to confirm them. At half of `mostBytesOnTheirWay` it is flushed at once. */
  flushEveryMs: 1_000,
  /** A watcher announces itself this often, and is forgotten after missing it this many times. */
  watchEveryMs: 2_000,
  missedWatches: 3,
  /** Most watchers that get their own snapshot. Further ones see only what the others see. */
  mostWatchers: 64,
  /** How often all of a download's pieces and peers are sent: 10 KB for a thousand pieces. */
  downloadEveryMs: 600,
  /** Ended downloads that a device still shows. Each keeps its last report: two bytes per piece. */
  keptEndedDownloads: 16,
  /** Messages between actors are batched for this long. */
  messagesEveryMs: 200,
  /** Most upload sessions shown: as many as fit into a message (wire/inspected-download.ts). */
  mostServedShown: 256,
} as const
