// Tunables of a tracker: the log, passwords, rate limits, and its own operation.

/** Writing to the log. */
export const logTunables = {
  /** Time-out of one append. A healthy one takes 2 ms. */
  appendTimeoutMs: 2_000,
  /** How long a tracker retries before it answers `no-quorum`. It answers at once when it sees that the majority is gone. */
  quorumDeadlineMs: 12_000,
  /** A leader that heard a majority this recently is still the only one. Below the brokers' shortest election time-out, 4 s. */
  leaderHeardWithinMs: 3_000,
  /** A consumer that misses its heartbeat and is silent this long is replaced by one that starts at the applied sequence. */
  followerStallMs: 3_000,
  /** Request ids remembered, so that a repeated request acts once: more than an hour at 200 writes a second. */
  rememberedRequests: 1_000_000,
} as const

/** Hashing passwords. */
export const passwordTunables = {
  /** argon2id as in OWASP's password storage cheat sheet: 19 MiB, 2 passes, 1 lane. Measured: 25 ms. */
  argon2: { memoryCost: 19_456, timeCost: 2, parallelism: 1 },
  /** Passwords hashed at once by a tracker: at most 40 MiB and two cores, which brokers and other trackers also need. */
  atOnce: 2,
  /** Longest queue: 1.3 s of hashing, and a place for each of 100 origins. */
  mostWaiting: 100,
  /** Longest wait in the queue. A full queue takes less; a client waits 4.5 s in total. */
  waitMostMs: 2_000,
} as const

/** Devices' credentials. */
export const deviceTunables = {
  /**
   * A device unused for this long has to log in again: a forgotten laptop's disk lets no one in for ever. Three
   * months outlast a long holiday or a sabbatical's first term.
   */
  expiresAfterMs: 90 * 24 * 60 * 60 * 1000,
  /**
   * A device's use is recorded at most this often. The log is never shortened: 10,000 devices add 150 MB a year. So a device
   * expires 83 to 90 days after it was last used.
   */
  recordUseEveryMs: 7 * 24 * 60 * 60 * 1000,
  /** Devices remembered whose use is still to be recorded, and when each device was last heard: 100 bytes each. */
  remembered: 100_000,
} as const

/** What trackers finish by themselves: the exits of a deleted account from its groups, and recording the use of devices. */
export const housekeepingTunables = {
  /** How often each tracker looks for what another one left undone. It acts on the log's entries at once. */
  everyMs: 30_000,
} as const

/** Counting attempts of every kind. */
export const attemptTunables = {
  /** Keys remembered of origins, of targets, and of pairs of both; 100 bytes each. Adding a key takes an attempt. */
  rememberedKeys: 100_000,
} as const

/**
 * Wrong passwords. NIST SP 800-63B (5.2.2) allows 100 in a row on one account. To avoid locking the owner out, it suggests
 * waits of 30 s to an hour, and exempting known addresses. A wrong password counts twice, because a refused client asks a
 * second broker.
 */
export const guessTunables = {
  limits: {
    /** Ten typed in a row by one person, or by several behind one address; then 8,640 attempts a day. */
    perOrigin: { atOnce: 20, everyMs: 10_000 },
    /** Below NIST's 100, half of it reserved for newcomers; then 2,880 a day from all addresses together. */
    perTarget: { atOnce: 60, everyMs: 30_000, keptForNewcomers: 30 },
    /** Three typed. Keeping newcomers out takes 480 addresses around the clock: 2,880 a day, 6 from each. */
    newcomer: { atOnce: 6, everyMs: 4 * 60 * 60 * 1000 },
  },
} as const

/** Sign-ups. Each costs a hash, and 300 bytes that stay in the log. */
export const signUpTunables = {
  limits: {
    /** A class or an office that starts together behind one address; then ten a minute. */
    perOrigin: { atOnce: 100, everyMs: 6_000 },
    /** All sign-ups: four such groups at once, then 60 a minute, by which the log grows at most 26 MB a day. */
    perTarget: { atOnce: 400, everyMs: 1_000, keptForNewcomers: 100 },
    /** A family behind one address. */
    newcomer: { atOnce: 10, everyMs: 60 * 60 * 1000 },
  },
} as const

/** Guest log-ins. Each takes one of a broker's 10,000 connections for `ticketTunables.entryLoginSeconds`. */
export const guestTunables = {
  limits: {
    /** A group that signs up together (`signUpTunables`), each asking two brokers; then 260 connections at once. */
    perOrigin: { atOnce: 200, everyMs: 1_000 },
    /** All guests: 4,400 connections at once. Most connections stay free, and guests exceed the sign-ups allowed. */
    perTarget: { atOnce: 2_000, everyMs: 25, keptForNewcomers: 500 },
    /** A family behind one address. */
    newcomer: { atOnce: 20, everyMs: 60_000 },
  },
} as const

/** Introductions of two devices on the relay (docs/adr/0026). Each sends 200 bytes to the device that is to serve. */
export const introductionTunables = {
  limits: {
    /** One user: four downloads with 20 peers each, all relayed, on five devices; then 20 a second. */
    perOrigin: { atOnce: 400, everyMs: 50 },
    /** One device: twice the peers it serves at most; then 20 a second, 4 KB. Half is reserved for newcomers. */
    perTarget: { atOnce: 400, everyMs: 50, keptForNewcomers: 200 },
    /** One user at one device: a few downloads that lose their connections again and again. */
    newcomer: { atOnce: 20, everyMs: 5_000 },
  },
  /** Keys remembered of users, of devices, and of pairs of both; 100 bytes each. */
  rememberedKeys: 100_000,
} as const

/**
 * Writes to the log, which holds 8 GB (nats-server.conf) and keeps everything. Sharing a file of 2 GiB or more adds
 * 110 KB, sharing a small one 0.5 KB; every other entry has 300 bytes.
 */
export const writeTunables = {
  limits: {
    /** 1,200 of the largest shares at once, then 1,500 of them a day. */
    perUser: { burstBytes: 128 * 2 ** 20, bytesPerSecond: 2_000 },
    /** An attacker with many accounts adds 2 GB at once, then 1.7 GB a day: the operator has days to see it in the tracker's log. */
    total: { burstBytes: 2 * 2 ** 30, bytesPerSecond: 20_000, keptBytes: 2 ** 30, littleBytes: 2 ** 20 },
  },
  /** Users whose writes are remembered; 100 bytes each. */
  rememberedUsers: 100_000,
} as const

/** A tracker's own operation. */
export const trackerTunables = {
  /** Wait before a failed part of a tracker is restarted; doubles up to `mostMs`. */
  restart: { firstMs: 250, mostMs: 10_000 },
  /** A part that ran this long has recovered: its next failure starts the doubling anew. */
  steadyAfterMs: 30_000,
  /** Time-out of a broker's answer to anything but a write. A healthy one takes 2 ms. */
  brokerAnswerMs: 2_000,
  /** How long a log-in, a refusal or a query waits for the log's newest entries before it uses the current projection. */
  catchUpMs: 2_000,
  /** While the brokers do not say where the log ends, they are asked again after this long: ten times a healthy answer. */
  askEndAgainMs: 20,
  /** How long a query waits for an entry that its client has seen, before the tracker asks the brokers whether it exists. */
  followUpMs: 1_000,
  /** Wait between attempts to append while the brokers elect a leader. */
  appendAgainMs: 250,
  /** Wait while another append to the same subject is in flight. A healthy one takes 2 ms. */
  appendInFlightMs: 25,
  /** How long a positive quorum check is reused. Every write checks first, and counting the brokers takes 1 ms. */
  quorumKnownMs: 250,
  /** The majority is gone when too few brokers answer within this, twice. Well above the time to reconnect to another broker. */
  quorumWaitMs: 1_500,
  /** The brokers delete the consumer of a vanished tracker after this long. */
  consumerForgottenMs: 60_000,
  /** Most log entries applied in one transaction, so that a tracker answers requests while it catches up. */
  entriesAtOnce: 1_000,
  /**
   * Largest page of a list: a quarter of the brokers' limit on a message. It holds about 1,500 groups with the longest
   * names, which occupy a tracker for 4 ms, or 900 files, 12 ms.
   */
  pageBytes: 256 * 1024,
  /** Wait before a logged-out device's connections are closed, so that it first receives the notice. */
  kickAfterMs: 500,
  /** Auth callout requests in the queue. Decrypting and answering one takes 5 ms, and a client waits 4.5 s. */
  calloutRequests: { mostWaiting: 1_000, waitMostMs: 4_000 },
  /** Requests in each queue: of 1,000 devices that come back at once, several each. A client waits 20 s, and repeats. */
  requests: { mostWaiting: 10_000, waitMostMs: 5_000 },
  /** How often a tracker logs that it refuses attempts, at most. */
  logSlowedEveryMs: 60_000,
} as const
