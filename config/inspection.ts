// The numbers of watching the machines of a process at work.

export const inspectionTunables = {
  /**
   * Steps of one actor are merged to at most one in this time: an eye follows about five a second. The other intervals are
   * multiples of it, so that everything is sent together, and the watched process and the brokers wake up seldom.
   */
  leastGapMs: 200,
  /** The same where only the context changed, which a person reads as a number. */
  leastQuietGapMs: 600,
  /** Steps sent per `leastGapMs`, of all actors together. The rest go on being merged. */
  mostStepsAtOnce: 48,
  /** Published and not yet taken by a broker. Anything beyond it is dropped, so memory stays bounded. */
  mostBytesOnTheirWay: 512 * 1024,
  /** How often the broker is asked whether it has taken them; at half of `mostBytesOnTheirWay` it is asked at once. */
  flushEveryMs: 1_000,
  /** A watcher announces itself this often, and is forgotten after missing it this many times. */
  watchEveryMs: 2_000,
  missedWatches: 3,
  /** Watchers known at once. One beyond that sees what the others see, and gets no snapshot of its own. */
  mostWatchers: 64,
  /** How often a download's pieces and peers are sent, whole: 10 KB for a thousand pieces. */
  downloadEveryMs: 600,
  /** Ended downloads that a device goes on showing. Each keeps its last report: two bytes a piece. */
  keptEndedDownloads: 16,
  /** Messages between actors are gathered for this long. */
  messagesEveryMs: 200,
  /** Peers being served that are shown: as many as a message has room for (wire/inspected-download.ts). */
  mostServedShown: 256,
} as const
