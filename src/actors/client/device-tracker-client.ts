// A tracker client that shares the highest seen sequence among a device's agent and command lines, so that each finds what
// another one was told of.

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
      // Not kept on a full disk: this process still knows it.
    }
  }
  /** Takes over what other processes of this device have seen. */
  const catchUp = () => {
    try {
      const { seq, epoch } = home.position()
      client.advance(seq, epoch)
    } catch {
      // A failing disk: this process still knows what it has seen.
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
    async ask(method, params, askedAt) {
      catchUp()
      const answer = await client.ask(method, params, askedAt)
      remember()
      return answer
    },
  }
}
