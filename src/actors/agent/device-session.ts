// One device's login over its life: connects with it, opens its services, and leaves. Holds the connection in between, and
// the brokers that it told of. It forgets the login only when it was the one used here and is over.

import { setTimeout as delay } from 'node:timers/promises'
import type { NatsConnection } from 'nats'
import type { Logger } from 'pino'
import type { ActorRefFrom } from 'xstate'
import { agentTunables } from '../../../config/agent.ts'
import { definitionDigests } from '../../charts/definition-digests.ts'
import type { agentSessionMachine, Connected, Opened } from '../../machines/agent-session.ts'
import type { Library } from '../../storage/library.ts'
import { watchAllSubject, watchSubject } from '../../wire/subjects.ts'
import { connectRelay } from '../client/broker-connection.ts'
import { alike } from '../client/broker-trust.ts'
import { createDeviceTrackerClient } from '../client/device-tracker-client.ts'
import { distinctServers } from '../client/server-list.ts'
import type { TrackerClient } from '../client/tracker-client.ts'
import type { Home, Session } from '../device/home.ts'
import { inspectProcess } from '../inspection/inspect-process.ts'
import { connectSession, isRevoked } from './connect-session.ts'
import type { DeviceLimits } from './device-limits.ts'
import { publishLeaving } from './presence-publisher.ts'
import { SessionServices, ticketKeysOf } from './session-services.ts'

export interface DeviceSessionNeeds {
  readonly home: Home
  /** Brokers to try, beside those that a connection tells of. */
  readonly servers: readonly string[]
  readonly library: Library
  readonly limits: DeviceLimits
  readonly log: Logger
  /** The agent's actor: watchers see its tree, and it hears a request to log out. */
  root(): ActorRefFrom<typeof agentSessionMachine>
}

/** What there is while the device is connected. */
interface Connection {
  readonly session: Session
  readonly nats: NatsConnection
  readonly trackers: TrackerClient
  services: SessionServices | undefined
  /** Stops showing this process to watchers. */
  hide(): void
}

const awayMessage =
  'no broker that this device trusts answers, or no tracker that could confirm its login; it is tried again'
const revokedMessage = 'this device was logged out elsewhere'

export class DeviceSession {
  readonly #needs: DeviceSessionNeeds
  /** Brokers that a connection told of. */
  #knownServers: readonly string[] = []
  /** The login that was tried last. */
  #used: Session | undefined
  #connection: Connection | undefined
  /** Requests to log out, answered once everything is closed but the connection. */
  #logouts: (() => void)[] = []

  constructor(needs: DeviceSessionNeeds) {
    this.#needs = needs
  }

  /** The login that this device is connected with. */
  get current(): Session | undefined {
    return this.#connection?.session
  }

  async connect(signal: AbortSignal): Promise<Connected> {
    const { home, log } = this.#needs
    const session = home.session()
    this.#used = session
    if (!session) return 'revoked'
    const nats = await connectSession(this.#servers(), session, home.trust)
    if (typeof nats === 'string') {
      const message = nats === 'away' ? awayMessage : revokedMessage
      log.warn({ user: session.user, servers: this.#servers() }, message)
      return nats
    }
    // The agent was told to stop, or the login was replaced, while this was on its way: no one else would close it.
    if (signal.aborted) {
      await nats.close()
      return 'away'
    }
    const trackers = createDeviceTrackerClient(nats, session, home)
    this.#connection = { session, nats, trackers, services: undefined, hide: this.#show(nats, session) }
    log.info({ user: session.user, device: session.device, broker: nats.getServer() }, 'connected')
    return 'connected'
  }

  /** Undefined when the trackers do not answer. */
  async open(signal: AbortSignal): Promise<Opened> {
    const { library, limits, log, home } = this.#needs
    const connection = this.#connected
    const { session, nats, trackers } = connection
    const opened = await trackers.ask('agent.session', {})
    if (signal.aborted) return undefined
    if (!opened.ok) {
      log.warn({ code: opened.code }, opened.message)
      return undefined
    }
    connection.services = new SessionServices({
      session,
      connection: nats,
      trackers,
      ticketKeys: ticketKeysOf(opened.value),
      library,
      limits,
      log,
      dialRelay: () => connectRelay(this.#servers(), session, home.trust),
      isRevoked: () => isRevoked(this.#servers(), session, home.trust),
      onServers: servers => this.#keepServers(servers),
      logOut: () => this.#logOut(),
    })
    return connection.services.logic
  }

  /** Says goodbye and closes the connection, if there is one. `forget`: the login is over. */
  async leave(forget: boolean): Promise<void> {
    const leaving = this.#connection
    this.#connection = undefined
    leaving?.hide()
    if (forget) this.#forgetLogin()
    // Before a request to log out is answered: after that no one may find this device online.
    if (leaving) publishLeaving(leaving.nats, leaving.session)
    for (const answer of this.#logouts.splice(0)) answer()
    if (!leaving) return
    const { nats, session, services } = leaving
    await services?.close()
    if (nats.isClosed()) return
    // Without a broker neither a flush nor a drain would ever end; the trackers notice the missing heartbeats instead.
    const flushed = nats.flush().catch(() => {})
    await Promise.race([flushed, delay(agentTunables.goodbyeWithinMs, undefined, { ref: false })])
    await nats.close()
    this.#needs.log.info({ user: session.user }, 'left')
  }

  get #connected(): Connection {
    if (!this.#connection) throw new Error('bug: a session was opened before its connection')
    return this.#connection
  }

  #servers(): string[] {
    return distinctServers([...this.#needs.servers, ...this.#knownServers])
  }

  /** Returns what stops it. */
  #show(connection: NatsConnection, me: Session): () => void {
    return inspectProcess({
      connection,
      me,
      watchSubjects: [watchSubject(me.user), watchAllSubject],
      root: this.#needs.root(),
      definitions: definitionDigests,
      more: () => this.#connection?.services?.shown() ?? [],
    })
  }

  #keepServers(servers: readonly string[]): void {
    const { home, log } = this.#needs
    this.#knownServers = alike(servers, this.#needs.servers)
    try {
      home.saveServers(this.#servers())
    } catch (error) {
      log.warn({ err: error }, "the brokers' addresses could not be kept for the next time")
    }
  }

  #forgetLogin(): void {
    const { home, log } = this.#needs
    try {
      if (home.session()?.credential === this.#used?.credential) home.clearSession()
    } catch (error) {
      // The command line, which answers the user, forgets it too.
      log.error({ err: error }, 'the login of this device could not be forgotten')
    }
  }

  /** Resolves when everything of the session is closed but its connection. */
  #logOut(): Promise<void> {
    return new Promise(resolve => {
      this.#logouts.push(resolve)
      this.#needs.root().send({ type: 'agent.logout' })
    })
  }
}
