// Every tunable of Shoal, with its unit and why it is what it is. Nothing else in the code holds such a number,
// but for limits that are part of a format (they stand beside its schema).

/** Talking to the trackers. */
export const requests = {
  /** Published again under the same id after this long without an answer: a dead tracker costs a person this much. */
  repeatAfterMs: 1_500,
  /** Nobody answers at all (no responders, or silence) for this long: unreachable. A tracker restart takes about 2 s. */
  nobodyThereMs: 5_000,
  /** Longest wait for an answer while trackers are there: above a broker leader's election, measured at 4 to 9 s. */
  deadlineMs: 20_000,
} as const

/** Writing to the log. */
export const log = {
  /** One append's own time-out; a healthy one takes 2 ms. */
  appendTimeoutMs: 2_000,
  /** How long a tracker tries before it answers `no-quorum`, unless it sees at once that the brokers' majority is gone. */
  quorumDeadlineMs: 12_000,
  /** A consumer that is silent this long with its heartbeat missed is made anew from the applied sequence. */
  followerStallMs: 3_000,
  /** Remembered request ids, so that a repeated request acts once. At 200 writes a second: more than an hour. */
  rememberedRequests: 1_000_000,
} as const

/** Presence. */
export const presence = {
  beatEveryMs: 2_000,
  /** Missed beats after which a device is offline. */
  missedBeats: 3,
} as const

/** Tickets and credentials. */
export const tickets = {
  /** Long enough that downloads outlive an hour without trackers; withdrawn access does not wait for it. */
  lifetimeMs: 60 * 60 * 1000,
  /** The broker's own limit on a connection's login; the client connects again by itself. */
  brokerLoginSeconds: 6 * 60 * 60,
} as const

/** argon2id, by OWASP's password storage cheat sheet: 19 MiB, 2 passes, 1 lane. */
export const passwordHashing = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const

/** One peer link. */
export const link = {
  /** The unit on the wire. Small enough to share a slow line fairly, large enough to keep wake-ups few. */
  blockBytes: 128 * 1024,
  /** Blocks asked for ahead: at least, so that even a slow peer never idles; at most, so that memory stays bounded. */
  minBlocksInFlight: 4,
  maxBlocksInFlight: 64,
  /** A peer is asked ahead for what it delivers in this time: twice a long path's round trip. */
  pipelineMs: 400,
  /** Connect and handshake, then the relay is tried. */
  connectTimeoutMs: 4_000,
  /** No byte of what was asked for in this time: its pieces go to others, and it is asked again later. */
  silentAfterMs: 10_000,
  /** Back-off between attempts at one peer, doubling. */
  retryFirstMs: 500,
  retryMostMs: 30_000,
} as const

/** One download. */
export const download = {
  /** Pieces asked of one peer at once, at most: bounds memory to links x pieces. */
  maxPiecesPerPeer: 8,
  /** Arrived and not yet on disk, in bytes, over all peers of a download: beyond it nothing more is asked for. */
  maxUnwrittenBytes: 32 * 1024 * 1024,
  /** Peers connected at once. */
  maxPeers: 40,
  /** The trackers are asked again for the swarm this often while pieces are missing; notices make it sooner. */
  locateEveryMs: 15_000,
  /** While stalled: without peers, more often. */
  locateStalledMs: 3_000,
  /** Downloads running at once on a device; the others are queued. */
  maxRunning: 4,
} as const

/** The serving side. */
export const serving = {
  maxLinks: 200,
  /** Requested and not yet sent blocks of one link: beyond it the peer breaks the protocol. */
  maxBlocksQueued: 256,
  /** A peer that asks for nothing this long is let go; it may come back. */
  idleAfterMs: 120_000,
  /** Bytes queued on one socket before the next block is read from disk. */
  highWaterBytes: 1024 * 1024,
  /** Shared files are looked at this often for having changed or vanished, besides when they are read. */
  checkFilesEveryMs: 5_000,
} as const

/** The relay through NATS. */
export const relay = {
  /** One message; the brokers take 1 MB. Measured at 236 MiB/s with four in flight. */
  chunkBytes: 128 * 1024,
  /** Chunks sent ahead of their acknowledgement. */
  windowChunks: 16,
  /** No credit and no chunk for this long: the relay is dead. */
  silentAfterMs: 15_000,
} as const

/** The command line and its agent. */
export const agentApi = {
  /** The agent says at least this often that a request is still at work. */
  workingEveryMs: 1_000,
  /** An agent that says nothing for this long is gone. */
  silentAfterMs: 5_000,
  /** An asker says this often that it still listens; NATS does not tell a publisher whether anybody does. */
  listeningEveryMs: 2_000,
  /** Not heard of for this long: the asker is gone, and what runs for it alone stops. */
  askerGoneAfterMs: 10_000,
  /** Lists of downloads to a watcher, at most this often: what a person can still read. */
  watchEveryMs: 250,
} as const
