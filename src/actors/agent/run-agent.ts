// The agent: holds the home's library, and with it the right to be the home's only agent; runs machines/agent-session.ts
// with its actors; ends when it is told to. It reads the login from the home and never sees a password.

import type { Logger } from 'pino'
import { createActor, fromPromise, waitFor } from 'xstate'
import { agentTunables } from '../../../config/agent.ts'
import { agentSessionMachine } from '../../machines/agent-session.ts'
import { openLibrary } from '../../storage/library.ts'
import { placeSocket } from '../device/agent-socket.ts'
import type { Home } from '../device/home.ts'
import { createProcessLog } from '../device/process-log.ts'
import type { ThrottleClock } from '../swarm/throttle.ts'
import { createAgentApi } from './agent-api.ts'
import { createAgentHandlers } from './agent-handlers.ts'
import { BrokerAddresses } from './broker-addresses.ts'
import { createDeviceLimits } from './device-limits.ts'
import { DeviceSession } from './device-session.ts'
import { createLogoutTeller } from './logout-teller.ts'
import { createSessionWatch } from './session-watch.ts'

export interface AgentSettings {
  readonly home: Home
  /** Brokers to try, beside those that the home knows. */
  readonly servers: readonly string[]
  /** HOST:PORT to serve peers at from now on; port 0 takes any free one. Default: the home's, or any. */
  readonly listen?: string | undefined
  /** Default: lines of JSON on standard error. */
  readonly log?: Logger
  /** The clock of the rate limits. Default: the machine's. */
  readonly clock?: ThrottleClock
}

export interface RunningAgent {
  /** Says goodbye, suspends the downloads (the next agent goes on with them), and resolves when all is closed. */
  stop(): Promise<void>
  /** Resolves when the agent has stopped. */
  readonly ended: Promise<void>
}

/** Throws LibraryInUse when this home has an agent already, or LibraryUnusable. */
export async function runAgent(settings: AgentSettings): Promise<RunningAgent> {
  const { home, log = createProcessLog() } = settings
  const library = openLibrary(home.libraryFile, { patienceMs: agentTunables.libraryPatienceMs })
  const limits = createDeviceLimits(library, settings.clock)
  if (settings.listen !== undefined) home.saveListen(settings.listen)
  const listen = home.listen()
  home.saveAgentPid(process.pid)

  const servers = new BrokerAddresses(home, settings.servers, log)
  const session: DeviceSession = new DeviceSession({ home, servers, library, limits, log, root: () => root })
  const machine = agentSessionMachine.provide({
    actors: {
      sessionWatch: createSessionWatch(home, () => session.current),
      api: createAgentApi({
        placeSocket: () => placeSocket(home),
        handlers: createAgentHandlers({ device: home.device(), limits, session }),
        log,
      }),
      logoutTeller: createLogoutTeller(home, () => servers.all, log),
      connect: fromPromise(({ signal }) => session.connect(signal)),
      open: fromPromise(({ signal }) => session.open(signal)),
      leave: fromPromise(({ input }) => session.leave(input.forget)),
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

function parseListen(listen = '0.0.0.0:0'): { host: string; port: number } {
  const colon = listen.lastIndexOf(':')
  return { host: listen.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(listen.slice(colon + 1)) }
}
