// The trackers as one device asks them: its agent and its command lines share the highest sequence that any of them has
// seen, so that what one was told of, the next one finds.

import type { NatsConnection } from 'nats'
import type { Home, Session } from '../device/home.ts'
import { createTrackerClient, type TrackerClient } from './tracker-client.ts'

export function createDeviceTrackerClient(connection: NatsConnection, session: Session, home: Home): TrackerClient {
  const before = home.position()
  const client = createTrackerClient(connection, session, before.seq, before.epoch)
  const remember = () => {
    try {
      home.saveSeen(client.seen, client.epoch)
    } catch {
      // On a full disk it is not kept: this process knows it all the same, and the next one waits a little less.
    }
  }
  /** With what other processes of this device have seen. */
  const catchUp = () => {
    try {
      const { seq, epoch } = home.position()
      client.advance(seq, epoch)
    } catch {
      // A disk that fails: what this process has seen is known without it.
    }
  }
  return {
    get seen() {
      return client.seen
    },
    get epoch() {
      return client.epoch
    },
    statuses: client.statuses,
    stats: client.stats,
    advance(seq, epoch) {
      client.advance(seq, epoch)
      remember()
    },
    async ask(method, params) {
      catchUp()
      const answer = await client.ask(method, params)
      remember()
      return answer
    },
  }
}
