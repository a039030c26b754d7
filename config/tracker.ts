// The numbers of a tracker: writing to the log, passwords, who is slowed, and its own affairs.

/** Writing to the log. */
export const logTunables = {
  /** One append's own time-out; a healthy one takes 2 ms. */
  appendTimeoutMs: 2_000,
  /** How long a tracker tries before it answers `no-quorum`, unless it sees at once that the brokers' majority is gone. */
  quorumDeadlineMs: 12_000,
  /** A leader that heard a majority this recently is still the only one: below the brokers' least election time-out, 4 s. */
  leaderHeardWithinMs: 3_000,
  /** A consumer that is silent this long with its heartbeat missed is made anew from the applied sequence. */
  followerStallMs: 3_000,
  /** Remembered request ids, so that a repeated request acts once. At 200 writes a second: more than an hour. */
  rememberedRequests: 1_000_000,
} as const

/** Hashing passwords. */
export const passwordTunables = {
  /** argon2id, by OWASP's password storage cheat sheet: 19 MiB, 2 passes, 1 lane. Measured: 25 ms. */
  argon2: { memoryCost: 19_456, timeCost: 2, parallelism: 1 },
  /** Of a tracker: 40 MiB and no more than two cores, which brokers and other trackers need, too. */
  atOnce: 2,
  /** 1.3 s of hashing, and room for as many origins at once. */
  mostWaiting: 100,
  /** Longer than the whole line takes; a client waits 4.5 s in all. */
  waitMostMs: 2_000,
} as const

/** What is counted of attempts, whichever they are. */
export const attemptTunables = {
  /** Of origins, targets and pairs of them, each; 100 bytes a key. Each key costs somebody an attempt. */
  rememberedKeys: 100_000,
} as const

/**
 * Guessing passwords. NIST SP 800-63B (5.2.2) allows 100 wrong ones in a row on one account, and names as measures against
 * locking its owner out: waits of 30 s to an hour, and addresses that are known. A wrong password counts twice, since a
 * client that is turned away asks a second broker.
 */
export const guessTunables = {
  limits: {
    /** Ten typed in a row by a person, or by a few behind one address; then 8,640 a day. */
    perOrigin: { atOnce: 20, everyMs: 10_000 },
    /** Below NIST's 100, half of it kept; then 2,880 a day, whatever the number of addresses. */
    perTarget: { atOnce: 60, everyMs: 30_000, keptForNewcomers: 30 },
    /** Three typed. To keep a newcomer out takes 480 addresses at it day and night: 2,880 a day, 6 from each. */
    newcomer: { atOnce: 6, everyMs: 4 * 60 * 60 * 1000 },
  },
} as const

/** Signing up: each costs a hash and 300 bytes of the log for good. */
export const signUpTunables = {
  limits: {
    /** A class or an office that begins together, behind one address; then ten a minute. */
    perOrigin: { atOnce: 100, everyMs: 6_000 },
    /** In all: four of those at once, then 60 a minute, which makes the log grow by 26 MB a day at most. */
    perTarget: { atOnce: 400, everyMs: 1_000, keptForNewcomers: 100 },
    /** A household. */
    newcomer: { atOnce: 10, everyMs: 60 * 60 * 1000 },
  },
} as const

/** Coming in as a guest, which costs a place among a broker's 10,000 connections for `ticketTunables.entryLoginSeconds`. */
export const guestTunables = {
  limits: {
    /** Those who sign up together (`signUpTunables`), and each asks a second broker; then 260 held at once. */
    perOrigin: { atOnce: 200, everyMs: 1_000 },
    /** In all: 4,400 held at once, so that most places are left, and more come than may sign up. */
    perTarget: { atOnce: 2_000, everyMs: 25, keptForNewcomers: 500 },
    /** A household. */
    newcomer: { atOnce: 20, everyMs: 60_000 },
  },
} as const

/**
 * Adding to the log, which holds 8 GB (nats-server.conf) and forgets nothing. A share of a file of 2 GiB or more costs
 * 110 KB, of a small one half a kilobyte; everything else 300 bytes.
 */
export const writeTunables = {
  limits: {
    /** 1,200 of the largest shares at once, and then 1,500 of them a day. */
    perUser: { burstBytes: 128 * 2 ** 20, bytesPerSecond: 2_000 },
    /** Whoever has many accounts fills 2 GB at once and then 1.7 GB a day: days in which an operator sees the tracker's log. */
    total: { burstBytes: 2 * 2 ** 30, bytesPerSecond: 20_000, keptBytes: 2 ** 30, littleBytes: 2 ** 20 },
  },
  /** Whose use of it is remembered; 100 bytes a user. */
  rememberedUsers: 100_000,
} as const

/** A tracker's own affairs. */
export const trackerTunables = {
  /** A part of a tracker that failed is started again after this long, doubling up to the most. */
  restart: { firstMs: 250, mostMs: 10_000 },
  /** A part that ran this long has recovered: its next failure starts the doubling anew. */
  steadyAfterMs: 30_000,
  /** An answer of the brokers that is not a write: a healthy one takes 2 ms. */
  brokerAnswerMs: 2_000,
  /** How long a log-in, a refusal or a look-up waits for the log's newest entries before it goes by what is known. */
  catchUpMs: 2_000,
  /** While the brokers do not answer where the log ends, they are asked again after this: ten times a healthy answer. */
  askEndAgainMs: 20,
  /** How long a look-up waits for an entry that its asker has seen, before it asks the brokers whether there is one. */
  followUpMs: 1_000,
  /** Between attempts to append while the brokers elect a leader. */
  appendAgainMs: 250,
  /** Another append to the same subject is not settled yet: a healthy one takes 2 ms. */
  appendInFlightMs: 25,
  /** That enough brokers were reached holds this long; a write asks for it first, and a count takes a millisecond. */
  quorumKnownMs: 250,
  /** Too few brokers answered within this, twice: the majority is gone. Well above the time to connect to another broker. */
  quorumWaitMs: 1_500,
  /** Consumers of a tracker that is gone are forgotten by the brokers after this. */
  consumerForgottenMs: 60_000,
  /** Log entries applied in one transaction at most, so that a tracker catching up still answers in between. */
  entriesAtOnce: 1_000,
  /**
   * Of a list in one answer: a quarter of what the brokers take in a message. Some 1,500 groups of the longest names, which
   * keep a tracker from all else for 4 ms; 900 files, 12 ms.
   */
  pageBytes: 256 * 1024,
  /** A logged-out device's connections are cut this long after, so that it hears that it is logged out. */
  kickAfterMs: 500,
  /** Brokers' questions who somebody is: opening and answering one takes 5 ms, and a client waits 4.5 s. */
  calloutRequests: { mostWaiting: 1_000, waitMostMs: 4_000 },
  /** Of a tracker's time, the share that may go into digests of all that it knows, however often it is asked for them. */
  mostTimeForDigests: 0.05,
  /** A tracker's log says at most this often that it turns attempts away. */
  logSlowedEveryMs: 60_000,
} as const
