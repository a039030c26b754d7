// The one connection of the user who is logged in on this device. It is made when a command first needs it, and made
// again after another log-in. NATS is loaded no earlier: it takes longer to load than many a command to run. Commands that
// connect also tell the trackers of log-ins that ended here while they were out of reach.

import { setTimeout as delay } from 'node:timers/promises'
import type { NatsConnection } from 'nats'
import { logoutTunables } from '../../config/client.ts'
import type { TrackerClient } from '../actors/client/tracker-client.ts'
import type { Home, Session } from '../actors/device/home.ts'
import { done, type Outcome, refuse } from '../domain/refusal.ts'
import type { Brokers } from './connect-as.ts'
import { rememberServers } from './servers.ts'

export interface DeviceConnection {
  readonly session: Session
  readonly connection: NatsConnection
  readonly trackers: Pick<TrackerClient, 'ask' | 'statuses' | 'stats'>
}

interface Attempt {
  readonly credential: string
  readonly connection: Promise<Outcome<DeviceConnection>>
}

export class DeviceConnector {
  readonly #home: Home
  readonly #brokers: Brokers
  #attempt: Attempt | undefined
  #telling: Promise<unknown> | undefined

  constructor(home: Home, brokers: Brokers) {
    this.#home = home
    this.#brokers = brokers
  }

  /** Refuses with `not-logged-in`, `untrusted` or `unreachable`; a later call tries again. */
  async connect(): Promise<Outcome<DeviceConnection>> {
    const session = this.#home.session()
    this.#tellOwedLogouts()
    if (!session) return refuse('not-logged-in', 'you are not logged in on this device; run shoal login USER')
    if (this.#attempt?.credential !== session.credential) {
      await this.disconnect()
      this.#attempt = { credential: session.credential, connection: this.#connectAs(session) }
    }
    const attempt = this.#attempt
    let connected: Outcome<DeviceConnection> | undefined
    try {
      connected = await attempt.connection
      return connected
    } finally {
      if (!connected?.ok && this.#attempt === attempt) this.#attempt = undefined
    }
  }

  /** Never throws: the caller of `connect` learns why a connection could not be made. */
  async disconnect(): Promise<void> {
    const attempt = this.#attempt
    this.#attempt = undefined
    const connected = await attempt?.connection.catch(() => undefined)
    if (connected?.ok) await connected.value.connection.close()
    await Promise.race([this.#telling, delay(logoutTunables.tellWithinMs, undefined, { ref: false })])
  }

  /** In the background: another command tries again. */
  #tellOwedLogouts(): void {
    if (this.#telling || this.#home.owedLogouts().length === 0) return
    this.#telling = import('../actors/client/owed-logouts.ts')
      .then(({ tellOwedLogouts }) => tellOwedLogouts(this.#home, this.#brokers.servers))
      .catch(() => {})
      .finally(() => {
        this.#telling = undefined
      })
  }

  async #connectAs(session: Session): Promise<Outcome<DeviceConnection>> {
    const [{ connectAs }, { createDeviceTrackerClient }] = await Promise.all([
      import('./connect-as.ts'),
      import('../actors/client/device-tracker-client.ts'),
    ])
    const revoked = refuse(
      'not-logged-in',
      `this device's log-in as ${session.user} is no longer valid; run shoal login ${session.user}`,
    )
    const connected = await connectAs({ kind: 'device', ...session }, this.#brokers, revoked)
    if (!connected.ok) return connected
    const connection = connected.value
    rememberServers(this.#home, this.#brokers.servers, connection)
    return done({
      session,
      connection,
      trackers: createDeviceTrackerClient(connection, session, this.#home),
    })
  }
}
