// The numbers of the agent: its life, and hashing files.

/** The agent as a whole. */
export const agentTunables = {
  /** Between attempts to connect while brokers or trackers are away, doubling. */
  retry: { firstMs: 500, mostMs: 5_000 },
  /** A part of the agent that failed is started again after this long, doubling up to the most. */
  restart: { firstMs: 1_000, mostMs: 4_000 },
  /** A part that ran this long has recovered: its next failure starts the doubling anew. */
  steadyAfterMs: 10_000,
  /** How soon after a failed write to the library it is tried again. */
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
