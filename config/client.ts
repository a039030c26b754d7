// Tunables of requests to brokers, trackers and the agent, of presence, and of the command line.

/** Connecting to brokers. */
export const brokerTunables = {
  /**
   * Time-out of a first connection. Below the 5 s that brokers wait for a tracker's answer (nats-server.conf), so that
   * a silent tracker is not mistaken for a refusal.
   */
  loginTimeoutMs: 4_500,
  /** Trackers log in with their own keys. No other tracker is asked, so none can be silent. */
  trackerLoginTimeoutMs: 5_000,
  /** The operator's brokers usually run on the same machine. */
  operatorLoginTimeoutMs: 2_000,
  /**
   * A broker that has not let us in after this long is waited for, and the next one is tried beside it: what a broker or a
   * tracker that stands still costs. A log-in takes 20 ms, and 2 s when many passwords are being hashed.
   */
  nextAfterMs: 1_500,
  /** Wait before a broken connection is tried again. */
  reconnectTimeWait: 250,
  /** A broker that stands still is left after 15 to 20 s: an agent may have much to say over a slow line meanwhile. */
  silence: { lookEveryMs: 5_000, looks: 3 },
  /** The same for trackers, which many wait for, and for commands, which end by `requestTunables.deadlineMs`: 3 to 4.5 s. */
  shortSilence: { lookEveryMs: 1_500, looks: 2 },
} as const

/** Talking to the trackers. */
export const requestTunables = {
  /** Without an answer, a request is repeated under the same id after this long: the delay that a dead tracker costs. */
  repeatAfterMs: 1_500,
  /**
   * Brokers that know of no tracker for this long end a request. A tracker restarts in about 2 s, and is back within 5 s
   * after its broker stood still.
   */
  noRespondersMs: 10_000,
  /** Wait before a request is repeated after "no responders": short, so a tracker's restart costs little more than its start. */
  noRespondersRetryMs: 250,
  /**
   * Longest that a command connects and waits for an answer, taken together (docs/adr/0027). Above a broker leader's
   * election, measured at 4 to 9 s, after a connection that took several brokers.
   */
  deadlineMs: 20_000,
} as const

/** Requests to every tracker at once: the wait for the first answer, and after each for the next. A healthy one takes 5 ms. */
export const gatherTunables = { firstMs: 800, nextMs: 400 } as const

/** Presence. */
export const presenceTunables = {
  heartbeatEveryMs: 2_000,
  /** Missed heartbeats after which a device is offline. */
  missedHeartbeats: 3,
  /** Most shares in one heartbeat (wire/heartbeat.ts). */
  mostFetching: 1000,
  /** Recent notices remembered, to drop copies: every tracker sends each notice. */
  rememberedNotices: 256,
} as const

/** The command line and its agent: requests through the socket in the home. */
export const agentApiTunables = {
  /** Longest line of a request. The longest valid one is a path of 4,096 characters, at most six bytes each when escaped. */
  mostRequestBytes: 64 * 1024,
  /** Requests served at once: a person has a few, and a shell watches with two. */
  mostRequests: 100,
  /** A connection without a request by then is closed. A client sends it at once. */
  requestWithinMs: 5_000,
  /** Rows of a list in one line: of downloads, some 150 KiB, and 5 MiB where every path is the longest. */
  rowsAtOnce: 200,
  /** A client that leaves more than this unread is cut off. */
  mostUnreadBytes: 16 * 1024 * 1024,
  /** How often the agent reports that it is still working on a request. */
  workingEveryMs: 1_000,
  /** How often a client that hears nothing looks whether the agent's process is suspended. Most answers come sooner. */
  lookEveryMs: 100,
  /** After this many silent looks the agent is called frozen: ten missed reports, so a busy machine is not mistaken for it. */
  silentLooks: 100,
  /** Longest wait for the socket of an agent that runs: it is made within milliseconds of the agent's start. */
  startsWithinMs: 10_000,
  /** How often a client looks for that socket, and for one that cannot be connected to. */
  lookForSocketMs: 50,
  /** How often the agent sees to it that its socket is there: folders for temporary files are swept. */
  checkSocketEveryMs: 1_000,
  /** Brokers that are away for this long count as out of reach. A change to another broker takes under a second. */
  brokersAwayMs: 3_000,
  /** Fastest rate at which a watcher receives lists of downloads: as fast as a person can read. */
  watchEveryMs: 250,
} as const

/** What a new password must withstand (cli/check-new-password.ts). */
export const newPasswordTunables = {
  /**
   * zxcvbn's estimate of the guesses that find it. It credits ten for each character without a pattern, so this is what 8
   * characters made by a password manager take. Trackers allow a guesser far fewer; finding out from a stolen
   * back-up takes a core a month (25 ms a guess).
   */
  leastGuesses: 1e8,
  /** Only this many characters are looked at: the time that an estimate takes grows with their square. 64 take 0.3 s at most. */
  estimatedCharacters: 64,
} as const

/** The command line. */
export const commandLineTunables = {
  /** Longest wait for a started agent to answer. It first logs in and checks its shared files. */
  agentReadyMs: 20_000,
  /** A command that waits for longer than this says for what. A quick one shows nothing that a person could read. */
  sayWaitingAfterMs: 2_000,
} as const

/** Logging out while trackers cannot be reached, or answer slowly. */
export const logoutTunables = {
  /** Longest wait for the trackers before a log-out is left to be told later. They answer in milliseconds, or after an election. */
  tellWithinMs: 2_000,
  /** How often the agent tries to tell them. An attempt takes up to `loginTimeoutMs` for each broker. */
  tellEveryMs: 5_000,
} as const

/** Messages about log-ins. */
export const loginHintTunables = {
  /** After this many refusals in a row a person is told to wait. Below the ten wrong passwords that slow an address down. */
  afterRefusals: 3,
} as const

/** The shell's prompt. */
export const shellTunables = {
  /** Lines of history kept: as many as a person may want to find again. */
  maxHistoryLines: 1_000,
  /** Shown notices remembered: each tracker sends every notice, and a slow one may send it late. */
  maxToldNotices: 500,
} as const
