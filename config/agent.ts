// Tunables of the agent process.

/** The agent as a whole. */
export const agentTunables = {
  /** Wait between attempts to connect while brokers or trackers are unreachable; doubles. */
  retry: { firstMs: 500, mostMs: 5_000 },
  /** Wait before a failed part of the agent is restarted; doubles up to `mostMs`. */
  restart: { firstMs: 1_000, mostMs: 4_000 },
  /** A part that ran this long has recovered: its next failure starts the doubling anew. */
  steadyAfterMs: 10_000,
  /** Wait before a failed write to the library is retried. */
  recordAgainMs: 1_000,
  /** The agent waits this long for the library's lock: a command holds it for an instant to see whether an agent runs. */
  libraryPatienceMs: 500,
  /** How often finished downloads, and shares that the trackers have not accepted yet, are announced to the trackers. */
  settleSharesEveryMs: 500,
  /** Shares read from the library before yielding to the event loop: 3 ms. */
  sharesAtOnce: 200,
  /** Shares announced in a row before a person's own command takes its turn: about a second. */
  announcedAtOnce: 50,
  /** Wait before shares are announced again after the trackers refused a write (`writeTunables`). */
  announceAgainMs: 60_000,
  /** Messages kept about files that are no longer shared: a person reads the last few. */
  mostTroubles: 20,
  /** Longest wait at shutdown for writes to finish, part files to close and the goodbye to be sent. */
  leaveWithinMs: 5_000,
  /**
   * Longest wait for the goodbye to reach a broker: one round trip, also to another continent. A person logging out waits for
   * it, even when the broker stands still; a lost one costs others a missed heartbeat.
   */
  goodbyeWithinMs: 200,
  /** How often the home folder is polled for a log-in, in case watching it for changes does not work there. */
  lookForSessionMs: 1_000,
} as const

/** How the agent notices that shared files have changed, besides when they are read. */
export const fileCheckTunables = {
  /**
   * How often some files are checked, and how many: all of them in turn, since the system does not tell of every change. It
   * takes a quarter of a per cent of a core, and 10,000 files take four minutes.
   */
  everyMs: 5_000,
  atOnce: 200,
  /** How many watched folders are looked at then: one that is moved or unmounted tells nothing about its files. */
  foldersAtOnce: 50,
  /** How often files that the system told of are looked at. */
  changedEveryMs: 500,
  /** A file that is written anew is left alone until it is whole, but no longer than a few files are checked apart. */
  changed: { quietMs: 1_000, mostMs: 5_000, most: 10_000 },
  /** Linux grants a user 8,192 inotify watches where memory is short, and other programs need some. */
  mostWatchedFolders: 4_096,
} as const
