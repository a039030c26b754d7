// The numbers of running a cluster on this machine: processes, certificates, back-ups.

/** Certificates of a cluster's brokers, and of the authority that signs them. */
export const certificateTunables = {
  /**
   * Ten years, like the authority itself: nobody but this cluster's people rely on it, an expired one is an outage that
   * nobody asked for, and a key that may have leaked is replaced by `shoal cluster rotate`. Brokers get a new one at each start.
   */
  lifetimeMs: 10 * 365 * 24 * 60 * 60 * 1000,
  /** Valid since so long before it was made: clocks differ. */
  clocksDifferMs: 24 * 60 * 60 * 1000,
  /** Rotations that a device may sleep through and still follow. Each adds 500 bytes to a handshake. */
  keptCrosses: 4,
  /** Looking at what a broker shows, before anything is said to it. */
  fetchWithinMs: 5_000,
} as const

/** Backing up a cluster's log, and bringing it back. */
export const backupTunables = {
  /** Read in one go: half a megabyte of usual entries. */
  entriesAtOnce: 1_000,
  /** The brokers send those within this, or are asked anew. */
  fetchMs: 5_000,
  /** The brokers may be electing a leader when a back-up begins, which takes 4 to 9 s; then it is given up. */
  electionMs: 15_000,
  /** In a row without an entry in between; then the back-up is given up. */
  attempts: 10,
  againAfterMs: 500,
  /** A consumer that is left behind is forgotten by the brokers after this. */
  consumerForgottenMs: 60_000,
  /** Written and not yet acknowledged: 11,600 a second were measured at that many. */
  appendsAtOnce: 256,
  /** On a busy machine the brokers may elect a leader in between. */
  appendTimeoutMs: 20_000,
} as const

/** Running brokers, trackers and the agent as processes of this machine. */
export const processTunables = {
  /** How often to look whether a process has come up or gone; either takes 100 ms and more. */
  lookEveryMs: 50,
  /** Three brokers that start cold from a large log take 5 to 6 s to agree; a slow disk more. */
  startTimeoutMs: 60_000,
  /** A broker that is told to end hands its leaderships over first: under a second. */
  stopTimeoutMs: 15_000,
  /** An agent's start is a process and a library; its stop says goodbye to peers and trackers. Both take well under a second. */
  agentTimeoutMs: 15_000,
  /** `nats-server --version`; a first start from a cold disk takes a second. */
  versionTimeoutMs: 10_000,
  /** A broker's answer from the same machine takes a millisecond; a stopped process never answers. */
  monitorTimeoutMs: 1_000,
  /** What a tracker or an agent writes down in months; beyond it the next start begins a new file and keeps this one. */
  maxOutputBytes: 10_000_000,
} as const
