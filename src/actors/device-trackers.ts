// The trackers as one device asks them: its agent and its command lines share the highest sequence that any of them has
// seen, so that what one was told of, the next one finds.

import type { NatsConnection } from 'nats'
import type { Home, Session } from './home.ts'
import { createTrackerClient, type TrackerClient } from './tracker-client.ts'

export function createDeviceTrackers(connection: NatsConnection, session: Session, home: Home): TrackerClient {
  const client = createTrackerClient(connection, session, home.seen())
  return {
    get seen() {
      return client.seen
    },
    statuses: client.statuses,
    advance(seq) {
      client.advance(seq)
      home.saveSeen(client.seen)
    },
    async ask(method, params) {
      client.advance(home.seen())
      const answer = await client.ask(method, params)
      home.saveSeen(client.seen)
      return answer
    },
  }
}
