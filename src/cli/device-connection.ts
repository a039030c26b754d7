// The one connection of the user who is logged in on this device. It is made when a command first needs it, and made
// again after another log-in. NATS is loaded no earlier: it takes longer to load than many a command to run.

import type { NatsConnection } from 'nats'
import { agentApiTunables } from '../../config/client.ts'
import type { AgentClient } from '../actors/client/agent-client.ts'
import type { TrackerClient } from '../actors/client/tracker-client.ts'
import type { Home, Session } from '../actors/device/home.ts'
import { done, type Outcome, refuse } from '../domain/refusal.ts'
import { patienceWithAgent } from './agent-running.ts'
import type { Brokers } from './connect-as.ts'
import { rememberServers } from './servers.ts'

export interface DeviceConnection {
  readonly session: Session
  readonly connection: NatsConnection
  readonly trackers: Pick<TrackerClient, 'ask' | 'statuses' | 'stats'>
  readonly agent: AgentClient
}

interface Attempt {
  readonly credential: string
  readonly connection: Promise<Outcome<DeviceConnection>>
}

export class DeviceConnector {
  readonly #home: Home
  readonly #brokers: Brokers
  #attempt: Attempt | undefined

  constructor(home: Home, brokers: Brokers) {
    this.#home = home
    this.#brokers = brokers
  }

  /** Refuses with `not-logged-in`, `untrusted` or `unreachable`; a later call tries again. */
  async connect(): Promise<Outcome<DeviceConnection>> {
    const session = this.#home.session()
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
  }

  async #connectAs(session: Session): Promise<Outcome<DeviceConnection>> {
    const [{ connectAs }, { createAgentClient }, { createDeviceTrackerClient }] = await Promise.all([
      import('./connect-as.ts'),
      import('../actors/client/agent-client.ts'),
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
    const agent = createAgentClient(connection, session)
    // An agent that runs and does not answer is changing brokers, or about to log in.
    const patience = patienceWithAgent(this.#home, agentApiTunables.silentAfterMs)
    return done({
      session,
      connection,
      trackers: createDeviceTrackerClient(connection, session, this.#home),
      agent: { ask: (method, params, options) => agent.ask(method, params, { patience, ...options }) },
    })
  }
}
