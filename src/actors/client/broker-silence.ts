// Leaves a broker that stands still. Its socket stays open, so only silence tells: nothing arrived, although a ping waits
// for its answer. NATS's own pings count answers alone, and give up a busy broker whose answer is behind a long queue.

import type { NatsConnection } from 'nats'

export interface SilenceSettings {
  readonly lookEveryMs: number
  /** After this many looks in a row that find nothing new, the connection moves to another broker. */
  readonly looks: number
}

/** Until the connection is closed. Counts looks rather than time: while this process stood still, it could hear nothing. */
export function leaveSilentBrokers(
  connection: Pick<NatsConnection, 'flush' | 'stats' | 'reconnect' | 'closed'>,
  { lookEveryMs, looks }: SilenceSettings,
): void {
  let isPinging = false
  let messages = 0
  let silentLooks = 0
  const ping = () => {
    isPinging = true
    const answered = () => {
      isPinging = false
    }
    connection.flush().then(answered, answered)
  }
  const look = () => {
    const { inMsgs } = connection.stats()
    silentLooks = isPinging && inMsgs === messages ? silentLooks + 1 : 0
    messages = inMsgs
    if (!isPinging) ping()
    if (silentLooks < looks) return
    silentLooks = 0
    // Does nothing while the connection is already looking for a broker.
    connection.reconnect().catch(() => {})
  }
  const looking = setInterval(look, lookEveryMs)
  looking.unref()
  const stop = () => clearInterval(looking)
  connection.closed().then(stop, stop)
}
