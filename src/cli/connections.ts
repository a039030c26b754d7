// Connections to the brokers for the command line: as a guest, with a password, as this device. What cannot be
// connected is an outcome, with words on what to do.

import { randomBytes } from 'node:crypto'
import type { NatsConnection } from 'nats'
import { agentApiTunables } from '../../config/client.ts'
import { type AgentClient, createAgentClient } from '../actors/client/agent-client.ts'
import { BrokerUnreachable, connectBroker, LoginRefused } from '../actors/client/broker-connection.ts'
import { type Trust, UntrustedBrokers } from '../actors/client/broker-trust.ts'
import { createDeviceTrackers } from '../actors/client/device-tracker-client.ts'
import type { TrackerClient } from '../actors/client/tracker-client.ts'
import type { Home, Session } from '../actors/device/home.ts'
import { done, type Outcome, type Refusal, refuse } from '../domain/refusal.ts'
import { ifItRuns } from './ask.ts'
import { rememberServers } from './servers.ts'

/** Who is logged in on this device, connected. */
export interface DeviceLink {
  readonly session: Session
  readonly connection: NatsConnection
  readonly trackers: Pick<TrackerClient, 'ask' | 'statuses' | 'looks'>
  readonly agent: AgentClient
}

export interface LinkKeeper {
  connect(): Promise<Outcome<DeviceLink>>
  disconnect(): Promise<void>
}

/** One connection for a process, made when it is first needed and again when somebody else has logged in. */
export function createLinkKeeper(home: Home, servers: readonly string[], trust: SettleTrust): LinkKeeper {
  let making: { readonly credential: string; readonly link: Promise<Outcome<DeviceLink>> } | undefined
  const disconnect = async () => {
    const gone = making
    making = undefined
    // One that could not be made has nothing to close, and whoever asked for it knows why.
    const link = await gone?.link.catch(() => undefined)
    if (link?.ok) await link.value.connection.close()
  }
  return {
    disconnect,
    async connect() {
      const session = home.session()
      if (!session) return refuse('not-logged-in', 'nobody is logged in on this device; run shoal login USER')
      if (making?.credential !== session.credential) {
        await disconnect()
        making = { credential: session.credential, link: connectDevice(home, session, servers, trust) }
      }
      let connected: Outcome<DeviceLink> | undefined
      try {
        connected = await making.link
        return connected
      } finally {
        // A later call tries again.
        if (!connected?.ok) making = undefined
      }
    },
  }
}

async function connectDevice(
  home: Home,
  session: Session,
  servers: readonly string[],
  trust: SettleTrust,
): Promise<Outcome<DeviceLink>> {
  const revoked = refuse(
    'not-logged-in',
    `the trackers do not know this device's log-in as ${session.user} any more; run shoal login ${session.user}`,
  )
  const connected = await connectAs({ kind: 'device', ...session }, servers, trust, revoked)
  if (!connected.ok) return connected
  const connection = connected.value
  rememberServers(home, servers, connection)
  const agent = createAgentClient(connection, session)
  return done({
    session,
    connection,
    trackers: createDeviceTrackers(connection, session, home),
    agent: {
      // One that runs and does not hear us is between two brokers, or about to log in.
      ask: (method, params, options) =>
        agent.ask(method, params, { patience: ifItRuns({ home }, agentApiTunables.silentAfterMs), ...options }),
    },
  })
}

export const guestLogin = () => ({ kind: 'guest', nonce: randomBytes(16).toString('hex') }) as const

type SettleTrust = () => Promise<Outcome<Trust>>

/** A connection, or `refused` when the brokers turn this log-in away, or `unreachable`. */
export async function connectAs(
  login: Parameters<typeof connectBroker>[1],
  servers: readonly string[],
  trust: SettleTrust,
  refused: Refusal,
): Promise<Outcome<NatsConnection>> {
  try {
    const trusted = await trust()
    return trusted.ok ? done(await connectBroker(servers, login, 'shoal', trusted.value)) : trusted
  } catch (error) {
    if (error instanceof LoginRefused) return refused
    if (error instanceof UntrustedBrokers)
      return refuse('untrusted', `${error.message}; if the cluster was made anew: shoal trust FINGERPRINT`)
    if (!(error instanceof BrokerUnreachable)) throw error
    return refuse(
      'unreachable',
      `${error.message}; start a cluster with shoal cluster up, see shoal cluster status, or name yours with --servers`,
    )
  }
}
