// One device's login over its life: connects with it, opens its services, and leaves. Holds the connection in between, or
// says why there is none. It forgets the login only when it was the one used here and is over.

import { setTimeout as delay } from 'node:timers/promises'
import type { NatsConnection } from 'nats'
import type { Logger } from 'pino'
import { type ActorRefFrom, waitFor } from 'xstate'
import { agentTunables } from '../../../config/agent.ts'
import { agentApiTunables } from '../../../config/client.ts'
import { definitionDigests } from '../../charts/definition-digests.ts'
import type { agentSessionMachine, Connected, Opened } from '../../machines/agent-session.ts'
import type { Library } from '../../storage/library.ts'
import { watchAllSubject, watchersOf } from '../../wire/subjects.ts'
import { connectRelay } from '../client/broker-connection.ts'
import { connectSession, isRevoked } from '../client/connect-session.ts'
import { createDeviceTrackerClient } from '../client/device-tracker-client.ts'
import type { TrackerClient } from '../client/tracker-client.ts'
import type { Home, Session } from '../device/home.ts'
import { inspectProcess } from '../inspection/inspect-process.ts'
import type { BrokerAddresses } from './broker-addresses.ts'
import type { DeviceLimits } from './device-limits.ts'
import type { DownloadControl } from './download-control.ts'
import { publishLeaving } from './presence-publisher.ts'
import { RestingDownloads } from './resting-downloads.ts'
import { SessionServices, ticketKeysOf } from './session-services.ts'

export interface DeviceSessionNeeds {
  readonly home: Home
  readonly servers: BrokerAddresses
  readonly library: Library
  readonly limits: DeviceLimits
  readonly log: Logger
  /** The agent's actor: watchers see its tree, and it is told to log out. */
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
const interruptedMessage = 'no broker answers; it is tried again, and transfers between connected peers go on'
const brokenMessage = 'connecting failed unexpectedly; it is tried again (the agent log says more)'
const revokedMessage = 'this device was logged out elsewhere'

/** What a person may do with downloads, whether or not this device is connected. */
export type DownloadCommands = Pick<DownloadControl, 'view' | 'views' | 'pause' | 'resume' | 'cancel'>

export class DeviceSession {
  readonly #needs: DeviceSessionNeeds
  readonly #resting: RestingDownloads
  /** The login that was tried last. */
  #used: Session | undefined
  #connection: Connection | undefined
  /** Why the last attempt to connect failed; undefined while none has ended. */
  #failure: string | undefined
  /** A broker has taken the goodbye of the last session, which may have ended before the command line asked for that. */
  #goodbyeArrived = false

  constructor(needs: DeviceSessionNeeds) {
    this.#needs = needs
    this.#resting = new RestingDownloads(needs.library, needs.log)
  }

  /** The login that this device is connected with. */
  get current(): Session | undefined {
    return this.#connection?.session
  }

  /** The login in the home; the one in use while the home cannot be read. */
  get login(): Session | undefined {
    try {
      return this.#needs.home.session()
    } catch {
      return this.#used
    }
  }

  /** Undefined unless this device is connected with `login`. */
  get services(): SessionServices | undefined {
    const connection = this.#connection
    return connection && connection.session.credential === this.login?.credential ? connection.services : undefined
  }

  /** Why trackers cannot be asked; undefined while they can, or the first attempt to connect has not ended. */
  get problem(): string | undefined {
    const { services } = this
    if (!services) return this.#failure
    return services.brokersAwayMs > agentApiTunables.brokersAwayMs ? interruptedMessage : undefined
  }

  /** Undefined while logged out. */
  get downloads(): DownloadCommands | undefined {
    const { login } = this
    const connection = this.#connection
    if (!login) return undefined
    const live = connection?.session.user === login.user ? connection.services?.downloads : undefined
    return live ?? this.#resting.of(login.user)
  }

  connect(signal: AbortSignal): Promise<Connected> {
    return this.#attempt(() => this.#connect(signal))
  }

  /** Undefined when the trackers do not answer. Closes the connection of a disabled account. */
  open(signal: AbortSignal): Promise<Opened> {
    return this.#attempt(() => this.#open(signal))
  }

  /** Resolves once the session is closed and the login forgotten; true when a broker answered until then. */
  async logOut(): Promise<boolean> {
    const root = this.#needs.root()
    root.send({ type: 'agent.logout' })
    await waitFor(root, snapshot => snapshot.status === 'done' || snapshot.matches('loggedOut'))
    return this.#goodbyeArrived
  }

  async #attempt<T>(attempt: () => Promise<T>): Promise<T> {
    try {
      return await attempt()
    } catch (error) {
      this.#failure = brokenMessage
      throw error
    }
  }

  async #connect(signal: AbortSignal): Promise<Connected> {
    const { home, log, servers } = this.#needs
    const session = home.session()
    this.#used = session
    this.#goodbyeArrived = false
    if (!session) return 'revoked'
    const nats = await connectSession(servers.all, session, home.trust)
    // The agent was told to stop, or the login was replaced, while this was on its way: no one else would close it.
    if (signal.aborted) {
      if (typeof nats !== 'string') await nats.close()
      return 'away'
    }
    if (typeof nats === 'string') {
      this.#failure = nats === 'away' ? awayMessage : revokedMessage
      log.warn({ user: session.user, servers: servers.all }, this.#failure)
      return nats
    }
    this.#failure = undefined
    const trackers = createDeviceTrackerClient(nats, session, home)
    this.#connection = { session, nats, trackers, services: undefined, hide: this.#show(nats, session) }
    log.info({ user: session.user, device: session.device, broker: nats.getServer() }, 'connected')
    return 'connected'
  }

  async #open(signal: AbortSignal): Promise<Opened> {
    const { library, limits, log, home, servers } = this.#needs
    const connection = this.#connected
    const { session, nats, trackers } = connection
    const opened = await trackers.ask('agent.session', {})
    if (signal.aborted) return undefined
    if (!opened.ok) {
      log.warn({ code: opened.code }, opened.message)
      // Let in to hear just this, it stays so once the account is enabled; another connection will not.
      if (opened.code === 'disabled') await this.leave(false)
      this.#failure = opened.message
      return opened.code === 'disabled' ? 'disabled' : undefined
    }
    this.#failure = undefined
    await this.#resting.close()
    connection.services = new SessionServices({
      session,
      connection: nats,
      trackers,
      ticketKeys: ticketKeysOf(opened.value),
      library,
      limits,
      log,
      dialRelay: () => connectRelay(servers.all, session, home.trust),
      isRevoked: () => isRevoked(servers.all, session, home.trust),
      onServers: told => servers.learn(told),
    })
    return connection.services.logic
  }

  /** Says goodbye and closes the connection, if there is one. `forget`: the login is over. */
  async leave(forget: boolean): Promise<void> {
    const leaving = this.#connection
    this.#connection = undefined
    this.#failure = undefined
    leaving?.hide()
    if (forget) this.#forgetLogin()
    void this.#resting.close()
    if (!leaving) return
    const { nats, session, services } = leaving
    publishLeaving(nats, session)
    await services?.close()
    if (nats.isClosed()) return
    // Without a broker a flush would never end; the trackers notice the missing heartbeats instead.
    if (services?.brokersAwayMs === 0) {
      const flushed = nats.flush().then(
        () => true,
        () => false,
      )
      this.#goodbyeArrived = await Promise.race([flushed, delay(agentTunables.goodbyeWithinMs, false, { ref: false })])
    }
    await nats.close()
    this.#needs.log.info({ user: session.user }, 'left')
  }

  get #connected(): Connection {
    if (!this.#connection) throw new Error('bug: a session was opened before its connection')
    return this.#connection
  }

  /** Returns what stops it. */
  #show(connection: NatsConnection, me: Session): () => void {
    return inspectProcess({
      connection,
      me,
      watchSubjects: [watchersOf(me.user), watchAllSubject],
      root: this.#needs.root(),
      definitions: definitionDigests,
      more: () => this.#connection?.services?.shown() ?? [],
    })
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
}
