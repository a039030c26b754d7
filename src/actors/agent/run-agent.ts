// The agent: holds this home's library, and with it the right to be its only agent, runs machines/agent-session.ts
// with its actors, and ends when it is told to. Who is logged in, it reads from the home; it never sees a password.

import { setTimeout as delay } from 'node:timers/promises'
import type { NatsConnection } from 'nats'
import type { Logger } from 'pino'
import { createActor, fromPromise, waitFor } from 'xstate'
import { agentTunables } from '../../../config/agent.ts'
import { definitionDigests } from '../../charts/definition-digests.ts'
import { agentSessionMachine } from '../../machines/agent-session.ts'
import { openLibrary } from '../../storage/library.ts'
import { watchAllSubject, watchSubject } from '../../wire/subjects.ts'
import { alike } from '../client/broker-trust.ts'
import { createDeviceTrackerClient } from '../client/device-tracker-client.ts'
import type { TrackerClient } from '../client/tracker-client.ts'
import type { Home, Session } from '../device/home.ts'
import { createProcessLog } from '../device/process-log.ts'
import { inspectProcess } from '../inspection/inspect-process.ts'
import type { ThrottleClock } from '../swarm/throttle.ts'
import { connectSession, isRevoked } from './connect-session.ts'
import { createDeviceLimits } from './device-limits.ts'
import { openSessionServices, type SessionServices, ticketKeysOf } from './open-session-services.ts'
import { publishLeaving } from './presence-publisher.ts'
import { createSessionWatch } from './session-watch.ts'

export interface AgentSettings {
  readonly home: Home
  /** Brokers to try, beside those that the home knows. */
  readonly servers: readonly string[]
  /** HOST:PORT to serve peers at, from now on; port 0 is any free one. Default: where the home says, or any. */
  readonly listen?: string | undefined
  /** Default: lines of JSON on standard error. */
  readonly log?: Logger
  /** What caps on bytes a second go by. Default: the machine's. */
  readonly clock?: ThrottleClock
}

export interface RunningAgent {
  /** Says goodbye, lets downloads come to rest (the next agent goes on with them), and resolves when all is closed. */
  stop(): Promise<void>
  /** Resolves when the agent has stopped. */
  readonly ended: Promise<void>
}

/** What there is while the agent is connected. */
interface Connected {
  readonly session: Session
  readonly connection: NatsConnection
  readonly trackers: TrackerClient
  services: SessionServices | undefined
  /** Ends that it is shown to watchers. */
  hide(): void
}

/** Throws LibraryInUse when this home has an agent already, or LibraryUnusable. */
export async function runAgent(settings: AgentSettings): Promise<RunningAgent> {
  const { home, log = createProcessLog() } = settings
  const library = openLibrary(home.libraryFile, { patienceMs: agentTunables.libraryPatienceMs })
  const limits = createDeviceLimits(library, settings.clock)
  if (settings.listen !== undefined) home.saveListen(settings.listen)
  const listen = home.listen()
  home.saveAgentPid(process.pid)
  /** Brokers that a connection has told us of. */
  let heard: readonly string[] = []
  const servers = () => distinct([...settings.servers, ...heard])
  /** The log-in that was tried last. */
  let used: Session | undefined
  let connected: Connected | undefined
  /** Called when everything of a session rests, before its connection closes: the end of a request to log out. */
  let farewells: (() => void)[] = []

  const needed = (): Connected => {
    if (!connected) throw new Error('bug: a session was opened before its connection')
    return connected
  }

  const machine = agentSessionMachine.provide({
    actors: {
      sessionWatch: createSessionWatch(home, () => connected?.session),

      connect: fromPromise(async ({ signal }) => {
        const session = home.session()
        used = session
        if (!session) return 'revoked' as const
        const connection = await connectSession(servers(), session, home.trust)
        if (typeof connection === 'string') {
          log.warn({ user: session.user, servers: servers() }, connection === 'away' ? away : revoked)
          return connection
        }
        // Told to stop, or that the log-in is another one, while this was on its way: nobody would ever close it.
        if (signal.aborted) {
          await connection.close()
          return 'away' as const
        }
        connected = {
          session,
          connection,
          trackers: createDeviceTrackerClient(connection, session, home),
          services: undefined,
          hide: inspectProcess({
            connection,
            me: session,
            watchSubjects: [watchSubject(session.user), watchAllSubject],
            root,
            definitions: definitionDigests,
            more: () => connected?.services?.shown() ?? [],
          }),
        }
        log.info({ user: session.user, device: session.device, broker: connection.getServer() }, 'connected')
        return 'connected' as const
      }),

      open: fromPromise(async ({ signal }) => {
        const { session, connection, trackers } = needed()
        const opened = await trackers.ask('agent.session', {})
        if (signal.aborted) return undefined
        if (!opened.ok) {
          log.warn({ code: opened.code }, opened.message)
          return undefined
        }
        const services = openSessionServices({
          session,
          connection,
          trackers,
          ticketKeys: ticketKeysOf(opened.value),
          library,
          limits,
          log,
          isRevoked: () => isRevoked(servers(), session, home.trust),
          onServers: found => {
            heard = alike(found, settings.servers)
            try {
              home.saveServers(servers())
            } catch (error) {
              log.warn({ err: error }, "the brokers' addresses could not be kept for the next time")
            }
          },
          logOut: () =>
            new Promise(resolve => {
              farewells.push(resolve)
              root.send({ type: 'agent.logout' })
            }),
        })
        needed().services = services
        return services.logic
      }),

      leave: fromPromise<void, { forget: boolean }>(async ({ input }) => {
        const leaving = connected
        connected = undefined
        leaving?.hide()
        try {
          if (input.forget && home.session()?.credential === used?.credential) home.clearSession()
        } catch (error) {
          // Whoever logs out is told by the command line, which forgets it too.
          log.error({ err: error }, 'the log-in of this device could not be forgotten')
        }
        // Before whoever asked for it hears that it is done: nobody is to find this device online after that.
        if (leaving) publishLeaving(leaving.connection, leaving.session)
        for (const farewell of farewells) farewell()
        farewells = []
        if (!leaving) return
        const { connection, session, services } = leaving
        await services?.close()
        if (connection.isClosed()) return
        // With no broker there, neither a goodbye nor a drain would ever end; the trackers miss the beats instead.
        const goneOut = connection.flush().catch(() => {})
        await Promise.race([goneOut, delay(agentTunables.goodbyeWithinMs, undefined, { ref: false })])
        await connection.close()
        log.info({ user: session.user }, 'left')
      }),
    },
    actions: {
      reportFailure: (_, { child, error }) => log.error({ child, err: error }, 'a part of the agent failed'),
    },
  })

  const root = createActor(machine, { input: { listen: parseListen(listen) } })
  root.subscribe({ error: error => log.fatal({ err: error }, 'the agent failed') })
  root.start()
  log.info({ home: home.folder, pid: process.pid }, 'the agent runs')

  const ended = waitFor(root, snapshot => snapshot.status === 'done').finally(async () => {
    library.close()
    try {
      home.saveAgentPid(undefined)
    } catch (error) {
      log.warn({ err: error }, 'the process id of this agent is left behind')
    }
    log.info('the agent has stopped')
  })
  return {
    async stop() {
      root.send({ type: 'agent.stop' })
      await ended
    },
    ended: ended.then(() => {}),
  }
}

const away = 'no broker answers that this device trusts, or no tracker that could say who we are; it is tried again'
const revoked = 'this device was logged out elsewhere'

/** With and without its scheme, an address is the same. */
const distinct = (servers: readonly string[]): string[] => [
  ...new Map(servers.map(server => [server.replace(/^\w+:\/\//, ''), server])).values(),
]

function parseListen(listen = '0.0.0.0:0'): { host: string; port: number } {
  const colon = listen.lastIndexOf(':')
  return { host: listen.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(listen.slice(colon + 1)) }
}
