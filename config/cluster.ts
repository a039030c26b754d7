// Tunables of running a cluster on this machine: certificates, back-ups, processes.

/** Certificates of a cluster's brokers, and of the authority that signs them. */
export const certificateTunables = {
  /**
   * Ten years, like the authority itself. Only this cluster's people rely on it, and an expired certificate is an outage.
   * `shoal cluster rotate` replaces a leaked key. Brokers get a new certificate at each start.
   */
  lifetimeMs: 10 * 365 * 24 * 60 * 60 * 1000,
  /** A certificate is valid from this long before it was made, because clocks differ. */
  clocksDifferMs: 24 * 60 * 60 * 1000,
  /** Rotations that a device may miss while offline and still trust the cluster. Each adds 500 bytes to a handshake. */
  keptCrosses: 4,
  /** Time-out for fetching a broker's certificate before anything is sent to it. */
  fetchWithinMs: 5_000,
} as const

/** Backing up and restoring a cluster's log. */
export const backupTunables = {
  /** Entries read per fetch: about half a megabyte. */
  entriesAtOnce: 1_000,
  /** Time-out of one fetch, which is then retried. */
  fetchMs: 5_000,
  /** Longest wait for the brokers to elect a leader when a back-up begins. An election takes 4 to 9 s. */
  electionMs: 15_000,
  /** Failures in a row, with no entry read in between, after which the back-up fails. */
  attempts: 10,
  againAfterMs: 500,
  /** The brokers delete an abandoned consumer after this long. */
  consumerForgottenMs: 60_000,
  /** Appends in flight during a restore: 11,600 entries a second measured. */
  appendsAtOnce: 256,
  /** Time-out of one append: on a busy machine the brokers may elect a leader meanwhile. */
  appendTimeoutMs: 20_000,
} as const

/** Brokers, trackers and the agent as processes on this machine. */
export const processTunables = {
  /** How often a process is polled while it starts or stops. Either takes at least 100 ms. */
  lookEveryMs: 50,
  /**
   * Three brokers that start cold with a large log take 5 to 6 s to elect a leader, more on a slow disk. An agent takes under a
   * second, but 20 s on a machine with ten times more to do than it has processors for.
   */
  startTimeoutMs: 60_000,
  /** A broker that is stopped hands over its leaderships first, in under a second. */
  stopTimeoutMs: 15_000,
  /** An agent that is stopped says goodbye to peers and trackers, in well under a second. */
  agentStopTimeoutMs: 15_000,
  /** Time-out of `nats-server --version`. It takes a second from a cold disk, and ten on a machine with 20 busy processes. */
  versionTimeoutMs: 30_000,
  /** A broker's answer from the same machine takes a millisecond; a stopped process never answers. */
  monitorTimeoutMs: 1_000,
  /** Largest output file of a tracker or an agent: months of output. The next start keeps a larger one and begins a new file. */
  maxOutputBytes: 10_000_000,
} as const
