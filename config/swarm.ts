// The numbers of bytes between peers: downloading, uploading, the relay, the limits a person may set, tickets.

/** Tickets and credentials. */
export const ticketTunables = {
  /** Long enough that downloads outlive an hour without trackers; withdrawn access does not wait for it. */
  lifetimeMs: 60 * 60 * 1000,
  /** A withdrawal is remembered until every ticket that it makes void has expired, also by clocks that differ by an hour. */
  rememberRevokedMs: 2 * 60 * 60 * 1000,
  /** The broker's own limit on a connection's login; the client connects again by itself. */
  brokerLoginSeconds: 6 * 60 * 60,
  /** Of a guest's, and of a password's: signing up, or logging in, has succeeded or given up well before. */
  entryLoginSeconds: 60,
} as const

/** One peer link. */
export const peerTunables = {
  /** The unit on the wire. Small enough to share a slow line fairly, large enough to keep wake-ups few. */
  blockBytes: 128 * 1024,
  /** Blocks asked for ahead: at least, so that even a slow peer never idles; at most, so that memory stays bounded. */
  minBlocksInFlight: 4,
  maxBlocksInFlight: 64,
  /** A peer is asked ahead for what it delivers in this time: twice a long path's round trip. */
  pipelineMs: 400,
  /** Connect and handshake, then the relay is tried. */
  connectTimeoutMs: 4_000,
  /** Next to nothing of what was asked for in this time: its pieces go to others, and it is asked again later. */
  silentAfterMs: 10_000,
  /** Next to nothing: less than this. A byte now and then must not keep a piece; a slow line's share of it may be small. */
  leastBytes: 16 * 1024,
  /** Back-off between attempts at one peer, doubling. */
  retryFirstMs: 500,
  retryMostMs: 30_000,
  /** A peer whose link keeps ending for good (it breaks the protocol, or has no use for our tickets): as above, but longer. */
  retryEndedMostMs: 300_000,
  /** What a peer delivers is measured over this much time with blocks outstanding: a few wake-ups, yet soon. */
  rateWindowMs: 50,
  /**
   * Reads in which next to nothing came and that ended no frame, beyond what whole blocks make up for: a TLS record a
   * byte costs more than a block. An honest peer writes whole frames, and blocks in records of 16 KiB.
   */
  maxSmallReads: 1_000,
  smallReadBytes: 1_024,
  smallReadsPerBlock: 16,
  /** Blocks a peer may refuse that it said it has: it may lose a file once, not play for time. */
  maxRefusals: 256,
} as const

/** `peerTunables`, or a test's own numbers in their place. */
export type PeerSettings = { readonly [K in keyof typeof peerTunables]: number }

/** One download. */
export const downloadTunables = {
  /** Most pieces requested from one peer at once: bounds memory to sessions x pieces. */
  maxPiecesPerPeer: 8,
  /**
   * Bytes requested, or arrived and not yet on disk, over all running downloads. Each has an equal share, and requests
   * nothing beyond it.
   */
  maxUnwrittenBytes: 32 * 1024 * 1024,
  /** A download may always have this many pieces under way; otherwise large pieces would all come from one peer. */
  leastUnwrittenPieces: 4,
  /** From this share of its pieces at the store on, a download counts as held up by the store. */
  storeFullShare: 0.75,
  /** Piece buffers kept for reuse, over all downloads of a device. */
  keptPieceBytes: 16 * 1024 * 1024,
  /**
   * Requested ahead, over all peers: what arrives in this time, and at least this many pieces. More than a long path's
   * round trip with full queues on the way. The less, the later pieces are chosen and the sooner new ones are passed on.
   */
  aheadMs: 500,
  leastPiecesInFlight: 10,
  /** A request that takes longer no longer counts as requested ahead, so peers that are slow on purpose do not use it up. */
  slowPieceMs: 3_000,
  /** Peers connected at once: enough to find rare pieces. With more, more peers wait for an unchoke that they no longer need. */
  maxPeers: 20,
  /** When all are in use, this many that deliver nothing give way to unconnected peers at each look-up. */
  givingWayAtOnce: 8,
  /** While pieces are missing, the trackers are asked for the swarm this often; notices make it sooner. */
  locateEveryMs: 15_000,
  /** A run's second look-up, to find peers that start at the same time. Later ones come when it has run twice as long. */
  locateFirstMs: 1_000,
  /** The same while stalled. */
  locateStalledMs: 3_000,
  /** Downloads that run at once on a device; the others are queued. */
  maxRunning: 4,
} as const

/** The serving side. */
export const uploadTunables = {
  /** Upload sessions at once. */
  maxSessions: 200,
  /** Of one user, over all devices and shares: nobody takes all the room. */
  maxSessionsPerUser: 50,
  /** Peers served at a time while others wait: few, so that a piece is passed on soon; more than one covers the round trip. */
  slots: 4,
  /** Peers unchoked meanwhile, to say what they want next: not all that waited still want something. */
  slotsAhead: 3,
  /** More of these, the longer peers take to answer an unchoke: so many for each piece that begins to be served meanwhile. */
  slotsAheadPerAnswer: 1.5,
  /** A piece that takes so many times longer than usual, and this long at least, frees its slot: slow peers hold up no one. */
  slowServingFactor: 3,
  slowServingLeastMs: 200,
  /** Requested and not yet sent blocks of one link: beyond it the peer breaks the protocol. */
  maxBlocksQueued: 256,
  /**
   * Requests that no block pays for, of one link: a whole block pays for a few. What a download cancels at its end fits
   * many times over; a peer that asks for a byte at a time, or asks and cancels for ever, costs a second at most.
   */
  maxUnearnedRequests: 2_048,
  requestsPerBlock: 4,
  /** A peer that asks for nothing this long, or takes nothing of what it asked for, is let go; it may come back. */
  idleAfterMs: 120_000,
  /** Bytes queued on one socket before the next block is read from disk. */
  highWaterBytes: 1024 * 1024,
  /** Neighbouring blocks are read from disk together up to this: fewer, longer reads. */
  maxReadBytes: 512 * 1024,
  /** Buffers for reads that are kept for the next ones, over all links: what a handful of busy links turn over. */
  keptReadBytes: 8 * 1024 * 1024,
  /** Connections that have not shown a ticket yet, at once; each has `provenWithinMs` to do so. */
  maxHandshakes: 100,
  /** Handshake and hello: a peer that takes longer is cut off. As long as that peer itself would wait. */
  provenWithinMs: 4_000,
  /** From one address, or of one user by the relay, in this time: a TLS handshake costs a millisecond, a closed door little. */
  maxArrivals: 200,
  arrivalsWithinMs: 10_000,
  /**
   * Trackers are asked this often about everybody who is served: what was withdrawn and heard of by no notice ends within
   * it. With `requestTunables.repeatAfterMs` for a tracker that dies meanwhile, under 5 s.
   */
  recheckEveryMs: 2_000,
  /** Caps that one link tells its peer, at most; a fetcher that hears more takes it for hostile. A person sets a cap by hand. */
  limitsTold: 100,
  /** A peer that was told goodbye has this long to take it in. */
  farewellMs: 1_000,
  /** Uploaded bytes are counted up the tree this often. */
  countEveryMs: 1_000,
  /** Shared files held open at once; most systems grant a process 1,024 descriptors, and peers need some. */
  maxOpenFiles: 128,
  /** Shared files are looked at this often for having changed or vanished, besides when they are read. */
  checkFilesEveryMs: 5_000,
} as const

/** `uploadTunables`, or a test's own numbers in their place. */
export type UploadSettings = { readonly [K in keyof typeof uploadTunables]: number }

/** The limits that a person may set for a device. */
export const limitTunables = {
  /** Least cap on bytes a second: one block then takes 8 s, and a peer gives up after `peerTunables.silentAfterMs`. */
  leastBytesPerSecond: 16 * 1024,
  /** Beyond it a cap caps nothing: 1 TiB a second. */
  mostBytesPerSecond: 2 ** 40,
  /** What a cap lets through at once after a quiet while: more than timers and a busy event loop come late. */
  burstMs: 100,
  /** Under an upload cap no more peers are served than get a block this often: before they think us silent. */
  servedEveryMs: 8_000,
  /** Fewest connections: one for each download that may run. */
  leastConnections: 4,
} as const

/** The relay through NATS. */
export const relayTunables = {
  /** One message; the brokers take 1 MB. Measured at 236 MiB/s with four in flight. */
  chunkBytes: 128 * 1024,
  /** Chunks sent ahead of their acknowledgement. */
  windowChunks: 16,
  /** No credit and no chunk for this long: the relay is dead. */
  silentAfterMs: 15_000,
  /** A side with nothing to say says so this often. */
  heartbeatEveryMs: 5_000,
  /** Channels that others may have open to this device: of one user, and in all. Each can hold a window of chunks. */
  maxChannelsPerUser: 16,
  maxChannels: 100,
} as const
