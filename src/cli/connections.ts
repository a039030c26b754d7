// Connections to the brokers for the command line: as a guest, with a password, as this device. A broker turns a wrong
// password away with the same words as a right one while no tracker is there to vouch for it; a guest's connection,
// which any tracker grants, tells the two apart.

import { randomBytes } from 'node:crypto'
import type { NatsConnection } from 'nats'
import { connecting } from '../../config/tunables.ts'
import { type AgentClient, createAgentClient } from '../actors/agent-client.ts'
import { BrokerUnreachable, connectBroker, LoginRefused } from '../actors/broker.ts'
import type { Home, Session } from '../actors/home.ts'
import { createTrackerClient, type TrackerClient } from '../actors/tracker-client.ts'
import { done, type Outcome, type Refusal, refuse } from '../domain/refusal.ts'
import type { BrokerLogin } from '../wire/broker-login.ts'
import { rememberServers } from './servers.ts'

/** Who is logged in on this device, connected. */
export interface DeviceLink {
  readonly session: Session
  readonly connection: NatsConnection
  readonly trackers: Pick<TrackerClient, 'ask' | 'statuses'>
  readonly agent: AgentClient
}

export interface LinkKeeper {
  connect(): Promise<Outcome<DeviceLink>>
  disconnect(): Promise<void>
}

/** One connection for a process, made when it is first needed and again when somebody else has logged in. */
export function createLinkKeeper(home: Home, servers: readonly string[]): LinkKeeper {
  let making: { readonly credential: string; readonly link: Promise<Outcome<DeviceLink>> } | undefined
  const disconnect = async () => {
    const gone = making
    making = undefined
    const link = await gone?.link
    if (link?.ok) await link.value.connection.close()
  }
  return {
    disconnect,
    async connect() {
      const session = home.session()
      if (!session) return refuse('not-logged-in', 'nobody is logged in on this device; run shoal login USER')
      if (making?.credential !== session.credential) {
        await disconnect()
        making = { credential: session.credential, link: connectDevice(home, session, servers) }
      }
      const connected = await making.link
      // A later call tries again.
      if (!connected.ok) making = undefined
      return connected
    },
  }
}

async function connectDevice(home: Home, session: Session, servers: readonly string[]): Promise<Outcome<DeviceLink>> {
  const revoked = refuse(
    'not-logged-in',
    `the trackers do not know this device's log-in as ${session.user} any more; run shoal login ${session.user}`,
  )
  const connected = await connectAs({ kind: 'device', ...session }, servers, revoked)
  if (!connected.ok) return connected
  const connection = connected.value
  rememberServers(home, servers, connection)
  const client = createTrackerClient(connection, session, home.seen())
  return done({
    session,
    connection,
    trackers: {
      statuses: client.statuses,
      // What this device's other processes have seen counts too, and what this one sees counts for them.
      async ask(method, params) {
        client.advance(home.seen())
        const answer = await client.ask(method, params)
        home.saveSeen(client.seen)
        return answer
      },
    },
    agent: createAgentClient(connection, session),
  })
}

export const guestLogin = () => ({ kind: 'guest', nonce: randomBytes(16).toString('hex') }) as const

/** A connection, or `refused` when it is the caller's fault, or `unreachable`. */
export async function connectAs(
  login: BrokerLogin,
  servers: readonly string[],
  refused: Refusal,
): Promise<Outcome<NatsConnection>> {
  try {
    return done(await attempt(login, servers))
  } catch (error) {
    if (!(error instanceof LoginRefused || error instanceof BrokerUnreachable)) throw error
    // Of several brokers the last one tried decides which error we see: one that is down hides another's refusal.
    const mayBeRefused = error instanceof LoginRefused || servers.length > 1
    if (login.kind !== 'guest' && mayBeRefused && (await isTrackerThere(servers))) return refused
    return error instanceof LoginRefused ? noTracker() : noBroker(servers)
  }
}

async function isTrackerThere(servers: readonly string[]): Promise<boolean> {
  try {
    await (await attempt(guestLogin(), servers)).close()
    return true
  } catch {
    return false
  }
}

/** As `connectBroker`, and given up after a while: with no tracker there each broker takes its own time to say so. */
async function attempt(login: BrokerLogin, servers: readonly string[]): Promise<NatsConnection> {
  const connection = connectBroker(servers, login, 'shoal')
  let tooLong: NodeJS.Timeout | undefined
  const limit = new Promise<never>((_resolve, reject) => {
    tooLong = setTimeout(
      () => reject(new LoginRefused('no tracker vouches for this log-in')),
      connecting.givenUpAfterMs,
    ).unref()
  })
  try {
    return await Promise.race([connection, limit])
  } catch (error) {
    connection.then(
      late => late.close(),
      () => {},
    )
    throw error
  } finally {
    clearTimeout(tooLong)
  }
}

const noBroker = (servers: readonly string[]) =>
  refuse(
    'unreachable',
    `no broker answers at ${servers.join(', ')}; start a cluster with shoal cluster up, or name yours with --servers`,
  )

const noTracker = () =>
  refuse(
    'unreachable',
    'the brokers are there but no tracker answers; see shoal cluster status, or try again in a moment',
  )
