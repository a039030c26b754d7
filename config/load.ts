// Tunables of how much a tracker takes from one source before it drops messages or cuts the source off (docs/adr/0025).

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
