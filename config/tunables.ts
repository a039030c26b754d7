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
  /** A leader that heard a majority this recently is still the only one: below the brokers' least election time-out, 4 s. */
  leaderHeardWithinMs: 3_000,
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
  /** A withdrawal is remembered until every ticket that it makes void has expired, also by clocks that differ by an hour. */
  rememberWithdrawnMs: 2 * 60 * 60 * 1000,
  /** The broker's own limit on a connection's login; the client connects again by itself. */
  brokerLoginSeconds: 6 * 60 * 60,
  /** Of a guest's, and of a password's: signing up, or logging in, has succeeded or given up well before. */
  entryLoginSeconds: 60,
} as const

/** Certificates of a cluster's brokers, and of the authority that signs them. */
export const certificates = {
  /**
   * Ten years, like the authority itself: nobody but this cluster's people rely on it, an expired one is an outage that
   * nobody asked for, and a key that may have leaked is replaced by `shoal cluster rotate`. Brokers get a new one at each start.
   */
  lifetimeMs: 10 * 365 * 24 * 60 * 60 * 1000,
  /** Valid since so long before it was made: clocks differ. */
  clocksDifferMs: 24 * 60 * 60 * 1000,
  /** Rotations that a device may sleep through and still follow. Each adds 500 bytes to a handshake. */
  keptCrosses: 4,
  /** Looking at what a broker shows, before anything is said to it. */
  lookWithinMs: 5_000,
} as const

/** Backing up a cluster's log, and bringing it back. */
export const backups = {
  /** Read in one go: half a megabyte of usual entries. */
  entriesAtOnce: 1_000,
  /** The brokers send those within this, or are asked anew. */
  fetchMs: 5_000,
  /** In a row without an entry in between; then the back-up is given up. */
  attempts: 10,
  againAfterMs: 500,
  /** A consumer that is left behind is forgotten by the brokers after this. */
  consumerForgottenMs: 60_000,
  /** Written and not yet acknowledged: 11,600 a second were measured at that many. */
  appendsAtOnce: 256,
  /** On a busy machine the brokers may elect a leader in between. */
  appendTimeoutMs: 20_000,
} as const

/** Hashing passwords. */
export const passwordHashing = {
  /** argon2id, by OWASP's password storage cheat sheet: 19 MiB, 2 passes, 1 lane. Measured: 25 ms. */
  argon2: { memoryCost: 19_456, timeCost: 2, parallelism: 1 },
  /** Of a tracker: 40 MiB and no more than two cores, which brokers and other trackers need, too. */
  atOnce: 2,
  /** 1.3 s of hashing, and room for as many origins at once. */
  mostWaiting: 100,
  /** Longer than the whole line takes; a client waits 4.5 s in all. */
  waitMostMs: 2_000,
} as const

/**
 * Guessing passwords. NIST SP 800-63B (5.2.2) allows 100 wrong ones in a row on one account, and names as measures against
 * locking its owner out: waits of 30 s to an hour, and addresses that are known. A wrong password counts twice, since a
 * client that is turned away asks a second broker.
 */
export const guessing = {
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
export const signingUp = {
  limits: {
    /** A class or an office that begins together, behind one address; then ten a minute. */
    perOrigin: { atOnce: 100, everyMs: 6_000 },
    /** In all: four of those at once, then 60 a minute, which makes the log grow by 26 MB a day at most. */
    perTarget: { atOnce: 400, everyMs: 1_000, keptForNewcomers: 100 },
    /** A household. */
    newcomer: { atOnce: 10, everyMs: 60 * 60 * 1000 },
  },
} as const

/** Coming in as a guest, which costs a place among a broker's 10,000 connections for `tickets.entryLoginSeconds`. */
export const visiting = {
  limits: {
    /** Those who sign up together (`signingUp`), and each asks a second broker; then 260 held at once. */
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
export const writing = {
  limits: {
    /** 1,200 of the largest shares at once, and then 1,500 of them a day. */
    perUser: { burstBytes: 128 * 2 ** 20, bytesPerSecond: 2_000 },
    /** Whoever has many accounts fills 2 GB at once and then 1.7 GB a day: days in which an operator sees the tracker's log. */
    inAll: { burstBytes: 2 * 2 ** 30, bytesPerSecond: 20_000, keptBytes: 2 ** 30, littleBytes: 2 ** 20 },
  },
} as const

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
  maxCrumbs: 1_000,
  crumbBytes: 1_024,
  crumbsPerBlock: 16,
  /** Blocks a peer may refuse that it said it has: it may lose a file once, not play for time. */
  maxRefusals: 256,
} as const

/** One download. */
export const download = {
  /** Pieces asked of one peer at once, at most: bounds memory to links x pieces. */
  maxPiecesPerPeer: 8,
  /**
   * Asked for, or arrived and not yet on disk, in bytes, over all downloads that run: each has its share, and asks for
   * nothing beyond it. Four pieces may be under way in any case, or large ones would all come from one peer.
   */
  maxUnwrittenBytes: 32 * 1024 * 1024,
  /** Buffers for pieces that are kept for the next ones, over all downloads of a device. */
  keptPieceBytes: 16 * 1024 * 1024,
  /**
   * Asked for ahead, over all peers: what arrives in this time, and so many pieces at least. Above a long path's round
   * trip with full lines in between; the less, the later a choice is made, and the sooner a new piece is passed on.
   */
  aheadMs: 500,
  leastPiecesInFlight: 10,
  /** A request that takes longer does not count as asked ahead: peers that are slow on purpose do not use it up. */
  slowPieceMs: 3_000,
  /** Peers connected at once: enough to find what is rare; with more, more wait for a turn that they no longer need. */
  maxPeers: 20,
  /** With no room for more, so many that bring nothing give way at each look-up to peers that are not connected. */
  givingWayAtOnce: 8,
  /** The trackers are asked again for the swarm this often while pieces are missing; notices make it sooner. */
  locateEveryMs: 15_000,
  /** A run's second look-up, for those who start at the same time; then after as long as it has run already. */
  locateFirstMs: 1_000,
  /** While stalled: without peers, more often. */
  locateStalledMs: 3_000,
  /** Downloads running at once on a device; the others are queued. */
  maxRunning: 4,
} as const

/** The serving side. */
export const serving = {
  maxLinks: 200,
  /** Of one user, over all devices and shares: nobody takes all the room. */
  maxLinksPerUser: 50,
  /** Links served at a time while others wait: few, so that a piece is passed on soon; more than one covers the round trip. */
  places: 4,
  /** Links asked for what they want next, meanwhile: not all that waited still want something. */
  placesAhead: 3,
  /** More of these, the longer a call takes to be answered: so many for each turn that passes meanwhile. */
  placesAheadPerAnswer: 1.5,
  /** A turn that takes so many times longer than usual, and this long at least, makes room: slow readers hold up nobody. */
  slowTurnFactor: 3,
  slowTurnLeastMs: 200,
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
  /** Connections that have not shown a ticket yet, at once; each has `link.connectTimeoutMs` to do so. */
  maxHandshakes: 100,
  /** From one address, or of one user by the relay, in this time: a TLS handshake costs a millisecond, a closed door little. */
  maxArrivals: 200,
  arrivalsWithinMs: 10_000,
  /**
   * Trackers are asked this often about everybody who is served: what was withdrawn and heard of by no notice ends within
   * it. With `requests.repeatAfterMs` for a tracker that dies meanwhile, under 5 s.
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

/** The limits that a person may set for a device. */
export const limits = {
  /** Least cap on bytes a second: one block then takes 8 s, and a peer gives up after `link.silentAfterMs`. */
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
export const relay = {
  /** One message; the brokers take 1 MB. Measured at 236 MiB/s with four in flight. */
  chunkBytes: 128 * 1024,
  /** Chunks sent ahead of their acknowledgement. */
  windowChunks: 16,
  /** No credit and no chunk for this long: the relay is dead. */
  silentAfterMs: 15_000,
  /** A side with nothing to say says so this often. */
  beatEveryMs: 5_000,
  /** Channels that others may have open to this device: of one user, and in all. Each can hold a window of chunks. */
  maxChannelsPerUser: 16,
  maxChannels: 100,
} as const

/** The command line and its agent. */
export const agentApi = {
  /** The agent says at least this often that a request is still at work. */
  workingEveryMs: 1_000,
  /** An agent that says nothing for this long is gone. Above what either side takes to find another broker. */
  silentAfterMs: 10_000,
  /** An asker asks again this often: NATS tells no publisher whether anybody still listens, nor what got lost. */
  listeningEveryMs: 2_000,
  /** With no agent there at all for the moment, this often. */
  nobodyThereRetryMs: 100,
  /** Not heard of for this long: the asker is gone, and what runs for it alone stops. */
  askerGoneAfterMs: 10_000,
  /** Lists of downloads to a watcher, at most this often: what a person can still read. */
  watchEveryMs: 250,
} as const

/** Running brokers and trackers on this machine. */
export const processes = {
  /** How often to look whether a process has come up or gone; either takes 100 ms and more. */
  lookEveryMs: 50,
  /** Three brokers that start cold from a large log take 5 to 6 s to agree; a slow disk more. */
  startTimeoutMs: 60_000,
  /** A broker that is told to end hands its leaderships over first: under a second. */
  stopTimeoutMs: 15_000,
  /** A broker's answer from the same machine takes a millisecond; a stopped process never answers. */
  monitorTimeoutMs: 1_000,
  /** What a tracker or an agent writes down in months; beyond it the next start begins a new file and keeps this one. */
  maxOutputBytes: 10_000_000,
} as const

/** A tracker's own affairs. */
export const tracker = {
  /** A part of a tracker that failed is started again after this long, doubling up to the most. */
  restartFirstMs: 250,
  restartMostMs: 10_000,
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
  /** That enough brokers were reached holds this long; a write asks for it first, and a count takes a millisecond. */
  majorityKnownMs: 250,
  /** Too few brokers answered within this: the majority is gone. Well above the time to connect to another broker. */
  majorityWaitMs: 1_500,
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
  cutOffAfterMs: 500,
  /** Brokers' questions who somebody is: opening and answering one takes 5 ms, and a client waits 4.5 s. */
  questions: { mostWaiting: 1_000, waitMostMs: 4_000 },
  /** Of a tracker's time, the share that may go into digests of all that it knows, however often it is asked for them. */
  mostTimeForDigests: 0.05,
  /** A tracker's log says at most this often that it turns attempts away. */
  tellSlowedEveryMs: 60_000,
} as const

/** Hashing files. */
export const hashing = {
  /** Read and not yet hashed: evens out what the two threads do, also while one gets no core for some milliseconds. */
  ringBytes: 16 * 1024 * 1024,
  /** The same where no pieces are hashed: the two threads do alike then. */
  wholeRingBytes: 4 * 1024 * 1024,
  /** People see progress this often; asking costs nothing. */
  progressEveryMs: 250,
  /** Threads are kept this long after a job for the next; starting them takes 0.1 s, on a busy machine much longer. */
  threadsIdleMs: 5_000,
  /**
   * From so much of a download's beginning on, the whole is hashed while the rest arrives: less is hashed at the end in
   * the time that starting the threads takes. At most so many downloads at once, for the two threads of each hold 10 MiB.
   */
  followFromBytes: 32 * 1024 * 1024,
  mostFollowed: 2,
  /** With so few pieces missing a download has the threads started that will check the whole, unless they are at it. */
  expectedAtPieces: 8,
  /** Of an arrived piece, hashed before the event loop gets its turn again: 0.6 ms. */
  sliceBytes: 1024 * 1024,
} as const

/** The agent as a whole. */
export const agent = {
  /** Back-off between attempts to connect while brokers or trackers are away, doubling. */
  retryFirstMs: 500,
  retryMostMs: 5_000,
  /** A part of the agent that failed is started again after this long. */
  restartChildMs: 1_000,
  /** What a full disk did not take is written down within this of there being room. */
  recordAgainMs: 1_000,
  /** For a command line that looked, for an instant, whether an agent holds the library. */
  libraryPatienceMs: 500,
  /** A finished download, or a share that trackers could not be told of, is told to them within this. */
  settleSharesEveryMs: 500,
  /** Trackers that take no more for now (`writing`) are told of what is shared again after this. */
  announceAgainMs: 60_000,
  /** Writes end, part files close and the goodbye is out within this, or the agent goes without. */
  leaveWithinMs: 5_000,
  /** For a goodbye to reach a broker, if one is there: a round trip. */
  goodbyeWithinMs: 1_000,
  /** The home's folder is watched for a log-in, and looked at this often in case watching does not work there. */
  lookForSessionMs: 1_000,
} as const

/** The command line. */
export const commandLine = {
  /** From an agent's start until it has a session and answers: a log-in of its own, and a look at what it shares. */
  agentReadyMs: 20_000,
} as const

/** Watching the machines. */
export const inspection = {
  /**
   * Steps of one actor are merged to at most one in this time: five a second are about what an eye follows. The other times
   * are multiples of it, so that all is said in one breath: what is watched and the brokers wake up for it seldom.
   */
  leastGapMs: 200,
  /** Where only the context changes: a number that one reads. */
  leastQuietGapMs: 600,
  /** Of all actors in `leastGapMs`: the others' steps go on being merged. */
  mostStepsAtOnce: 48,
  /** Published and not yet taken by a broker: beyond it things are dropped, and memory stays bounded. */
  mostBytesOnTheirWay: 512 * 1024,
  /** The broker is asked this often whether it has taken them; at once when they are half of that. */
  flushEveryMs: 1_000,
  /** A watcher says this often that it is there, and is forgotten after so many it did not say. */
  watchEveryMs: 2_000,
  missedWatches: 3,
  /** A download's pieces and peers, whole, this often: 10 KB for a thousand pieces. */
  downloadEveryMs: 600,
  /** Downloads that ended are shown on, so many of a device: what is kept of one is what is shown, two bytes a piece. */
  keptEndedDownloads: 16,
  /** What actors said to each other, gathered. */
  messagesEveryMs: 200,
} as const

/** The visualizer's page and its server. */
export const visualizer = {
  /** The cluster is looked at this often while a page is open, and no more often, however many are. */
  clusterEveryMs: 2_000,
  /** The server says at least this often that it is there; a page that hears nothing for so long connects again. */
  aliveEveryMs: 5_000,
  silentAfterMs: 15_000,
  /** A Stately inspector that is not there any more is looked for this often. */
  statelyAgainMs: 2_000,
  /** A page's log-in at the brokers holds this long, and is renewed by the page before it ends. */
  watchLoginMs: 60 * 60 * 1000,
  /** A device's clock may be ahead of a tracker's by this, and its page is let in all the same. */
  clocksApartMs: 10 * 60 * 1000,
} as const
