// Tunables of the visualizer's server and of its page.

export const visualizerTunables = {
  /** The page's default port without a cluster plan. */
  port: 4262,
  /** How often the cluster is sampled while a page is open. All pages share the samples. */
  clusterEveryMs: 2_000,
  /** The server sends something at least this often; a page that receives nothing for `silentAfterMs` connects again. */
  aliveEveryMs: 5_000,
  silentAfterMs: 15_000,
  /** Most pages open at once. Each holds a stream open. */
  mostPages: 16,
  /** Largest WebSocket frame from a page to a broker: a NATS message has at most 1 MB. */
  mostFrameBytes: 1 << 20,
  /** Largest first line of a recording, which holds a few names. */
  mostHeadBytes: 64 * 1024,
  /** How often to try to reconnect to a Stately inspector. */
  statelyAgainMs: 2_000,
  /** How long a page's login at the brokers is valid. The page renews it in time. */
  watchLoginMs: 60 * 60 * 1000,
  /** A page's login is accepted if its device's clock is ahead of the tracker's by at most this much. */
  clocksApartMs: 10 * 60 * 1000,
} as const

/** The page itself, in a browser. */
export const pageTunables = {
  /** Wait before the page retries the server after a failure. */
  retryMs: 1_000,
  /** How long to wait for a snapshot after a gap in a process's messages. */
  snapshotWithinMs: 1_000,
  /** The login is renewed this long before it ends. */
  renewBeforeMs: 60_000,
  /** Wait before reconnecting, as for other clients: a page finds another broker within a second. */
  brokerRetryMs: 250,
  /** The page drops a broker after `missedPings` in a row. */
  pingEveryMs: 5_000,
  missedPings: 2,
  /** Updates are drawn together, eight times a second: the page often runs on the machine that it watches. */
  drawEveryMs: 125,
  /** The same while the page is hidden. */
  drawHiddenEveryMs: 1_000,
  /** Approximate memory limit of a recording. Older entries are folded into its initial state. */
  recordingBytes: 64_000_000,
  /** Steps kept in one actor's history. */
  stepsPerActor: 500,
  /** Messages between actors kept, for all actors together. */
  messages: 4_000,
  /** Speed samples kept per download: ten minutes at two a second. */
  speedSamples: 1_200,
} as const
