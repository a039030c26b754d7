// The numbers of the visualizer's page and its server.

/** The visualizer's page and its server. */
export const visualizerTunables = {
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
