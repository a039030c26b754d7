// Tunables of peer-to-peer transfer: tickets, peer sessions, downloads, uploads, limits that a person sets, the relay.

/** Tickets and credentials. */
export const ticketTunables = {
  /** Long enough for downloads to go on for an hour without trackers. Revoked access does not wait for it. */
  lifetimeMs: 60 * 60 * 1000,
  /** A revocation is remembered until every ticket that it voids has expired, even if clocks differ by an hour. */
  rememberRevokedMs: 2 * 60 * 60 * 1000,
  /** How long a broker accepts a connection's login. The client then reconnects by itself. */
  brokerLoginSeconds: 6 * 60 * 60,
  /** The same for guest and password log-ins: signing up or logging in ends well before. */
  entryLoginSeconds: 60,
} as const

/** One session with a peer. */
export const peerTunables = {
  /** The unit on the wire. Small enough to share a slow connection fairly, large enough to keep wake-ups few. */
  blockBytes: 128 * 1024,
  /** Blocks requested ahead: a minimum so that a slow peer never idles, and a maximum to bound memory. */
  minBlocksInFlight: 4,
  maxBlocksInFlight: 64,
  /** Requested ahead from a peer: what it delivers in this time, twice the round trip of a long path. */
  pipelineMs: 400,
  /** Time-out for connecting and the handshake, after which the relay is tried. */
  connectTimeoutMs: 4_000,
  /** A peer that delivers less than `leastBytes` in this time loses its pieces to other peers. It is asked again later. */
  silentAfterMs: 10_000,
  /** An occasional byte must not hold up a piece; a fair share of a slow connection may be small. */
  leastBytes: 16 * 1024,
  /** Back-off between attempts to connect to one peer; doubles. */
  retryFirstMs: 500,
  retryMostMs: 30_000,
  /** The same for a peer whose sessions keep ending without a retry: it breaks the protocol, or refuses our tickets. */
  retryEndedMostMs: 300_000,
  /** Window for measuring a peer's rate, counted while blocks are outstanding: a few wake-ups, yet quick. */
  rateWindowMs: 50,
  /**
   * Most reads shorter than `smallReadBytes` that complete no frame; each whole block allows `smallReadsPerBlock` more. A TLS
   * record per byte costs more than a block. An honest peer writes whole frames, and blocks in records of 16 KiB.
   */
  maxSmallReads: 1_000,
  smallReadBytes: 1_024,
  smallReadsPerBlock: 16,
  /** Refusals allowed for blocks that a peer said it has. It may lose a file once, but not stall. */
  maxRefusals: 256,
} as const

/** `peerTunables`, or a test's own values. */
export type PeerSettings = { readonly [K in keyof typeof peerTunables]: number }

/** One download. */
export const downloadTunables = {
  /** Most pieces requested from one peer at once. Bounds memory to sessions x pieces. */
  maxPiecesPerPeer: 8,
  /**
   * Most bytes requested, or received and not yet on disk, over all running downloads. Each download has an equal share
   * and requests nothing beyond it.
   */
  maxUnwrittenBytes: 32 * 1024 * 1024,
  /** Every download may have this many pieces in flight; otherwise large pieces would all come from one peer. */
  leastUnwrittenPieces: 4,
  /** A download counts as limited by its store once this share of its pieces in flight waits there. */
  storeFullShare: 0.75,
  /** A run that begins while trackers are away goes by the swarm of the run before after this long. They answer in milliseconds. */
  lastSwarmAfterMs: 1_000,
  /** Downloads whose last swarm is kept: some dozens of peers with their tickets each. */
  lastSwarms: 100,
  /** Piece buffers kept for reuse, over all downloads of a device. */
  keptPieceBytes: 16 * 1024 * 1024,
  /**
   * Requested ahead over all peers: what arrives in this time, but at least `leastPiecesInFlight`. It exceeds the round
   * trip of a long path with full queues. A lower value chooses pieces later, so that new ones are passed on sooner.
   */
  aheadMs: 500,
  leastPiecesInFlight: 10,
  /** A request older than this no longer counts as requested ahead, so that deliberately slow peers do not use it up. */
  slowPieceMs: 3_000,
  /** Most peers connected at once: enough to find rare pieces. With more, more of them wait for an unchoke they no longer need. */
  maxPeers: 20,
  /** When all are in use, this many that deliver nothing give way to other peers at each look-up. */
  givingWayAtOnce: 8,
  /** How often the trackers are asked for the swarm while pieces are missing. Notices bring it forward. */
  locateEveryMs: 15_000,
  /** When a run looks up peers the second time, to find those that start together. Each further one comes at twice the time. */
  locateFirstMs: 1_000,
  /** The same while stalled. */
  locateStalledMs: 3_000,
  /** Most downloads that run at once on a device. Others are queued. */
  maxRunning: 4,
} as const

/** Uploads. */
export const uploadTunables = {
  /** Most upload sessions at once. */
  maxSessions: 200,
  /** Most of one user, over all devices and shares, so that none takes them all. */
  maxSessionsPerUser: 50,
  /** Peers served at once while others wait. Few, so that a piece is passed on soon; more than one, to cover round trips. */
  slots: 4,
  /** Peers unchoked ahead to request their next piece: not all that waited still want one. */
  slotsAhead: 3,
  /** Further ones for each piece that starts while a peer answers an unchoke: more the longer answers take. */
  slotsAheadPerAnswer: 1.5,
  /** A piece that takes this many times longer than usual, and at least `slowServingLeastMs`, frees its slot for other peers. */
  slowServingFactor: 3,
  slowServingLeastMs: 200,
  /** Most blocks requested and not yet sent in one session. A peer that requests more breaks the protocol. */
  maxBlocksQueued: 256,
  /**
   * Most requests in one session beyond `requestsPerBlock` for each whole block sent. The cancels at a download's end fit
   * many times over. A peer that requests single bytes, or requests and cancels for ever, costs at most a second.
   */
  maxUnearnedRequests: 2_048,
  requestsPerBlock: 4,
  /** A peer that requests nothing, or takes nothing of what it requested, for this long is disconnected; it may reconnect. */
  idleAfterMs: 120_000,
  /** Bytes queued on one socket before the next block is read from disk. */
  highWaterBytes: 1024 * 1024,
  /** Neighbouring blocks are read from disk together up to this size, for fewer and longer reads. */
  maxReadBytes: 512 * 1024,
  /** Read buffers kept for reuse over all sessions: enough for a handful of busy ones. */
  keptReadBytes: 8 * 1024 * 1024,
  /** Most connections that have not presented a ticket yet. Each has `provenWithinMs` to do so. */
  maxHandshakes: 100,
  /** Time-out for the handshake and the hello, as on the peer's side. */
  provenWithinMs: 4_000,
  /** Most arrivals from one address, or of one user by the relay, in the window: a TLS handshake costs 1 ms, a refusal little. */
  maxArrivals: 200,
  arrivalsWithinMs: 10_000,
  /**
   * How often the trackers are asked whether every served device still has access, in case a notice was lost. With
   * `requestTunables.repeatAfterMs` for a tracker that dies meanwhile, revoked access ends within 5 s.
   */
  recheckEveryMs: 2_000,
  /** Most changes of the cap announced in one session. A downloader treats more as hostile; a person changes a cap by hand. */
  limitsTold: 100,
  /** How long a connection stays open after the goodbye, so that the peer receives it. */
  farewellMs: 1_000,
  /** How often uploaded bytes are reported up the actor tree. */
  countEveryMs: 1_000,
  /** Most shared files held open. Most systems grant a process 1,024 descriptors, and peers need some. */
  maxOpenFiles: 128,
} as const

/** `uploadTunables`, or a test's own values. */
export type UploadSettings = { readonly [K in keyof typeof uploadTunables]: number }

/** The limits that a person may set for a device. */
export const limitTunables = {
  /** Lowest cap: one block then takes 8 s, and a peer gives up after `peerTunables.silentAfterMs`. */
  leastBytesPerSecond: 16 * 1024,
  /** Highest cap, 1 TiB a second: a higher one would limit nothing. */
  mostBytesPerSecond: 2 ** 40,
  /** Burst that a cap allows after a pause. Longer than timers are late in a busy event loop. */
  burstMs: 100,
  /** An upload cap limits how many peers are served, so that each gets a block this often, before it takes us for silent. */
  servedEveryMs: 8_000,
  /** Lowest limit on connections: one for each download that may run. */
  leastConnections: 4,
} as const

/** The relay through NATS. */
export const relayTunables = {
  /** Size of one message; the brokers accept 1 MB. Measured at 236 MiB/s with four in flight. */
  chunkBytes: 128 * 1024,
  /** Most chunks sent and not yet acknowledged. */
  windowChunks: 16,
  /** The relay is dead after this long without a chunk or credit. */
  silentAfterMs: 15_000,
  /** How often an idle side sends a heartbeat. */
  heartbeatEveryMs: 5_000,
  /** Most channels that others may open to this device: per user, and in total. Each can hold a window of chunks. */
  maxChannelsPerUser: 16,
  maxChannels: 100,
  /**
   * Messages without bytes that the other side may send beside one for each chunk sent to it and two for each heartbeat: the
   * first and the last one, and heartbeats that come late together.
   */
  spareMessages: 8,
  /** The relay's own connection is closed after this long without a channel. Opening it again costs a login. */
  idleMs: 60_000,
  /** A user who broke the relay's rules is neither accepted nor asked by this device for this long. */
  bannedMs: 300_000,
  /** Such users remembered; the one banned longest ago is forgotten. */
  mostBanned: 1_000,
  /** Longest wait at the end for the last messages to reach a broker: one round trip. A person who logs out waits for it. */
  farewellMs: 100,
} as const
