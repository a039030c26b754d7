// What asking takes: of the trackers, of the agent, and saying that a device is there.

/** Connecting to brokers. */
export const brokerTunables = {
  /**
   * A first connection ends after this. Below the 5 s that brokers wait for a tracker's answer (nats-server.conf), so
   * that a silent tracker is told apart from a refusal.
   */
  loginTimeoutMs: 4_500,
  /** Trackers log in by their keys, past other trackers: nothing to tell apart. */
  trackerLoginTimeoutMs: 5_000,
  /** The operator's brokers run on the same machine as a rule. */
  operatorLoginTimeoutMs: 2_000,
  /** A connection that breaks is made again this soon; a dead one is noticed after three pings, 15 s. */
  connection: { reconnectTimeWait: 250, pingInterval: 5_000, maxPingOut: 3 },
} as const

/** Talking to the trackers. */
export const requestTunables = {
  /** Published again under the same id after this long without an answer: a dead tracker costs a person this much. */
  repeatAfterMs: 1_500,
  /** Nobody answers at all (no responders, or silence) for this long: unreachable. A tracker restart takes about 2 s. */
  noRespondersMs: 5_000,
  /** After "no responders" it is published again this soon: a restarted tracker costs a person little more than its start. */
  noRespondersRetryMs: 250,
  /** Longest wait for an answer while trackers are there: above a broker leader's election, measured at 4 to 9 s. */
  deadlineMs: 20_000,
} as const

/** Asking every tracker at once: how long to wait for the first answer, and after each for the next. A healthy one takes 5 ms. */
export const gatherTunables = { firstMs: 800, nextMs: 400 } as const

/** Presence. */
export const presenceTunables = {
  heartbeatEveryMs: 2_000,
  /** Missed heartbeats after which a device is offline. */
  missedHeartbeats: 3,
  /** Shares that a heartbeat has room for (wire/heartbeat.ts). */
  mostFetching: 1000,
  /** Notices remembered, to drop the copies that the other trackers send. */
  rememberedNotices: 256,
} as const

/** The command line and its agent. */
export const agentApiTunables = {
  /** The agent says at least this often that a request is still at work. */
  workingEveryMs: 1_000,
  /** An agent that says nothing for this long is gone. Above what either side takes to find another broker. */
  silentAfterMs: 10_000,
  /** An asker asks again this often: NATS tells no publisher whether anybody still listens, nor what got lost. */
  listeningEveryMs: 2_000,
  /** With no agent there at all for the moment, this often. */
  noRespondersRetryMs: 100,
  /** Not heard of for this long: the asker is gone, and what runs for it alone stops. */
  askerGoneAfterMs: 10_000,
  /** Lists of downloads to a watcher, at most this often: what a person can still read. */
  watchEveryMs: 250,
} as const

/** The command line. */
export const commandLineTunables = {
  /** From an agent's start until it has a session and answers: a log-in of its own, and a look at what it shares. */
  agentReadyMs: 20_000,
} as const

/** Messages about log-ins. */
export const loginHintTunables = {
  /** Refused this often in a row, a person is told to wait: below the ten wrong passwords that slow one address down. */
  afterRefusals: 3,
} as const

/** The shell's prompt. */
export const shellTunables = {
  /** As many lines as a person may want to find again. */
  maxHistoryLines: 1_000,
  /** Notices remembered as told: each tracker sends every notice, and a slow one may send it late. */
  maxToldNotices: 500,
} as const
