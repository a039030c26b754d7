// The numbers of the visualizer's page and its server.

export const visualizerTunables = {
  /** Where the page is served if no cluster's plan says otherwise. */
  port: 4262,
  /** The cluster is sampled this often while a page is open, once for all pages. */
  clusterEveryMs: 2_000,
  /** The server sends something at least this often; a page that receives nothing for `silentAfterMs` connects again. */
  aliveEveryMs: 5_000,
  silentAfterMs: 15_000,
  /** Pages open at once. Each is a stream that stays open. */
  mostPages: 16,
  /** One WebSocket frame of a page to a broker: NATS's messages are at most 1 MB. */
  mostFrameBytes: 1 << 20,
  /** The first line of a recording: a few names. */
  mostHeadBytes: 64 * 1024,
  /** A Stately inspector that has gone is tried again this often. */
  statelyAgainMs: 2_000,
  /** A page's login at the brokers is good for this long. The page renews it before it ends. */
  watchLoginMs: 60 * 60 * 1000,
  /** A device's clock may be ahead of a tracker's by this much, and its page is still let in. */
  clocksApartMs: 10 * 60 * 1000,
} as const

/** The page's own, which runs in a browser. */
export const pageTunables = {
  /** After a failure the page waits this long before it tries the server again. */
  retryMs: 1_000,
  /** After a gap in a process's messages, a snapshot may still be on its way for this long. */
  snapshotWithinMs: 1_000,
  /** The login is renewed this long before it ends. */
  renewBeforeMs: 60_000,
  /** As the brokers' other clients: a page finds another broker within a second. */
  brokerRetryMs: 250,
  /** A broker that misses two pings in a row is given up. */
  pingEveryMs: 5_000,
  missedPings: 2,
  /** What arrives is drawn together, eight times a second: the page often runs on the machine it watches. */
  drawEveryMs: 125,
  /** The same while the page is hidden. */
  drawHiddenEveryMs: 1_000,
  /** About what a recording may take in memory, in bytes. Older lines are folded into the state that it starts from. */
  recordingBytes: 64_000_000,
  /** The history of one actor. */
  stepsPerActor: 500,
  /** Messages between actors, all together. */
  messages: 4_000,
  /** Speeds kept of one download: ten minutes at two a second. */
  speedSamples: 1_200,
} as const
