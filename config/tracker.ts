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

const kibibyte = 2 ** 10
const mebibyte = 2 ** 20

/**
 * Messages to a tracker, counted by their source: a device, a person who logs in by password from some origin, or the
 * guests of an origin. `admitted`: beyond it messages are dropped, and their sender repeats them after 1.5 s. `tolerated`
 * and `largestBytes`: beyond them the source is cut off, so no honest client may reach them, also while its messages are
 * dropped. Each tracker counts what it hears. The largest honest use is noted beside each rate. Floods send 10,000 to
 * 200,000 messages a second, so a burst of a few thousand is reached within 0.1 s; of 0.9 MB each, they fill what a broker
 * buffers for a tracker (`max_pending`) with 71.
 */
export const loadTunables = {
  rooms: {
    /**
     * A download looks its swarm up every 3 to 15 s, an agent that serves rechecks every 2 s, and a command asks one to
     * three things: 32 scripts at once reach 100 a second. A look-up takes 0.3 to 0.5 ms. A recheck of a thousand shares
     * with many holders fills a message. Admitted bytes include the answers: all 10,000 files of a group are 3 MB, the
     * look-ups of all downloads that a device runs less than 1 MB.
     */
    reads: {
      admitted: {
        messages: { burst: 2_000, perSecond: 200 },
        bytes: { burst: 16 * mebibyte, perSecond: 4 * mebibyte },
      },
      tolerated: {
        messages: { burst: 6_000, perSecond: 1_000 },
        bytes: { burst: 8 * mebibyte, perSecond: 8 * mebibyte },
      },
      largestBytes: mebibyte,
    },
    /**
     * An agent announces its shares one after another: 300 a second of 0.5 KB, fewer of 110 KB, the largest (wire/schemas.ts).
     * Scripts as above.
     */
    writes: {
      admitted: {
        messages: { burst: 2_000, perSecond: 300 },
        bytes: { burst: 8 * mebibyte, perSecond: 4 * mebibyte },
      },
      tolerated: {
        messages: { burst: 6_000, perSecond: 1_500 },
        bytes: { burst: 16 * mebibyte, perSecond: 8 * mebibyte },
      },
      largestBytes: 256 * kibibyte,
    },
    /** A hundred people sign up together behind one address (`signUpTunables`); each repeats unanswered requests 13 times. */
    'sign-ups': {
      admitted: { messages: { burst: 500, perSecond: 50 }, bytes: { burst: mebibyte, perSecond: mebibyte / 8 } },
      tolerated: { messages: { burst: 3_000, perSecond: 300 }, bytes: { burst: 2 * mebibyte, perSecond: mebibyte } },
      largestBytes: 16 * kibibyte,
    },
    /** One person logs a hundred devices in by a script; each repeats unanswered requests 13 times. */
    'log-ins': {
      admitted: { messages: { burst: 200, perSecond: 20 }, bytes: { burst: mebibyte, perSecond: mebibyte / 8 } },
      tolerated: { messages: { burst: 2_000, perSecond: 200 }, bytes: { burst: 2 * mebibyte, perSecond: mebibyte } },
      largestBytes: 16 * kibibyte,
    },
    /** A heartbeat every 2 s, of 37 KB at most. */
    presence: {
      admitted: { messages: { burst: 100, perSecond: 5 }, bytes: { burst: mebibyte / 4, perSecond: 64 * kibibyte } },
      tolerated: {
        messages: { burst: 1_000, perSecond: 100 },
        bytes: { burst: mebibyte / 2, perSecond: mebibyte / 4 },
      },
      largestBytes: 128 * kibibyte,
    },
    /** A visualizer asks for status and stats every 2 s, a watching script once a second. Empty messages. */
    status: {
      admitted: { messages: { burst: 300, perSecond: 10 }, bytes: { burst: mebibyte, perSecond: mebibyte / 4 } },
      tolerated: {
        messages: { burst: 3_000, perSecond: 300 },
        bytes: { burst: mebibyte / 2, perSecond: mebibyte / 4 },
      },
      largestBytes: 16 * kibibyte,
    },
    /** An open page announces itself every 2 s, in less than 1 KB. */
    watching: {
      admitted: { messages: { burst: 100, perSecond: 10 }, bytes: { burst: mebibyte / 8, perSecond: 16 * kibibyte } },
      tolerated: {
        messages: { burst: 1_000, perSecond: 100 },
        bytes: { burst: mebibyte / 2, perSecond: mebibyte / 4 },
      },
      largestBytes: 16 * kibibyte,
    },
  },
  /**
   * Connections that ask a tracker to let them in: of one device that is logged in, or all others from one origin. A
   * hundred people sign up and log in together behind one address, each at two brokers; 32 scripts at once make 50 a second.
   * Each takes 5 ms, so a tracker gives one of them a quarter of its time. Beyond it they get no answer, and the broker keeps
   * them waiting for 5 s.
   */
  connections: { burst: 2_000, perSecond: 50 },
  /** A user's devices together may send as much as this many: a person's desktop, laptop, phone and server. */
  devicesPerUser: 4,
  /** Sources remembered in each room; 200 bytes each. */
  rememberedSources: 10_000,
  /** How long a source that was cut off is kept out: ten floods of 0.1 s in this time cost little. */
  refusedForMs: 60_000,
  /** While messages of a source that was cut off still arrive, its connections are closed again this often. */
  kickAgainMs: 500,
} as const

/**
 * What brokers count of a device's connection, for floods that no tracker hears. The largest honest use is noted beside each;
 * a flood of 0.9 MB messages by three connections reached 280 MB a second.
 */
export const unheardTunables = {
  /**
   * A hundred relay channels have a window of 2 MB each on their way; then each 0.5 MB is acknowledged (`relayTunables`).
   * Everything else is less than 1 MB a second, mostly steps of machines that are being watched.
   */
  bytes: { burst: 256 * mebibyte, perSecond: 4 * mebibyte, perDelivered: 2 * mebibyte },
  /** Steps of machines are 240 a second at most. Four chunks are acknowledged by one message. */
  messages: { burst: 100_000, perSecond: 2_000, perDelivered: 16 },
  /** How often brokers are asked for the connections that sent most: 25 KB from each. */
  lookEveryMs: 2_000,
  mostConnections: 64,
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
