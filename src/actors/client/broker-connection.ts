// The one way to a broker, for people, trackers and the operator: knows every server it has heard of, trusts one
// authority, and turns NATS's errors into ours. Once made, a connection never gives up by itself: its owner closes it. Only
// the relay's does (connectRelay).

import { type Authenticator, type ConnectionOptions, errors, type NatsConnection, type ServerInfo } from 'nats'
import { brokerTunables } from '../../../config/client.ts'
import type { BrokerLogin } from '../../wire/broker-login.ts'
import { toConnect } from '../../wire/broker-login.ts'
import { guestInboxPrefix, inboxPrefix } from '../../wire/subjects.ts'
import { BrokerRace, type Dialled, type RaceLost } from './broker-race.ts'
import { leaveSilentBrokers, type SilenceSettings } from './broker-silence.ts'
import { alike, isCertificateError, type Trust, tlsTowards, trustNobody, UntrustedBrokers } from './broker-trust.ts'
import { connectNats } from './nats-transport.ts'
import { distinctServers } from './server-list.ts'

/** No broker answered at any of the servers. */
export class BrokerUnreachable extends Error {
  override readonly name: string = 'BrokerUnreachable'
  readonly code = 'unreachable'
}

/** Brokers answered, but no tracker that could confirm the login. */
export class TrackersUnreachable extends BrokerUnreachable {
  override readonly name = 'TrackersUnreachable'
}

/** The brokers refused our login: a wrong password or credential. */
export class LoginRefused extends Error {
  override readonly name = 'LoginRefused'
  readonly code = 'bad-credentials'
}

export interface ConnectSettings {
  /** How long brokers are tried again before the first connection is given up. Default: each is tried once. */
  readonly withinMs?: number
  /** When the connection leaves a broker that says nothing. */
  readonly silence?: SilenceSettings
  /** Default: brokers are tried by chance, so that they share the load. */
  readonly isInOrder?: boolean
}

type Login = Pick<
  ConnectionOptions,
  'name' | 'timeout' | 'inboxPrefix' | 'user' | 'pass' | 'authenticator' | 'reconnect'
>

/**
 * What NATS tells of one connection as it dials. A first connection dials one broker; the race chooses the next. A broken
 * one goes to another broker first, since the one it was with may accept connections and stand still.
 */
class Dialling {
  /** The broker's greeting has arrived, so what fails now is the login. */
  hasMet = false
  readonly #onGreeting: () => void
  /** What that broker told of itself, once it is known that the first connection failed. */
  met: ServerInfo | undefined
  isMade = false
  #lastDialled: string | undefined

  constructor(onGreeting: () => void) {
    this.#onGreeting = onGreeting
  }

  /** NATS asks for the login when the greeting arrives. */
  readonly noteGreeting: Authenticator = () => {
    this.hasMet = true
    this.#onGreeting()
  }

  /** NATS asks before each server that it dials; `met` is what the one before told of itself. */
  readonly reconnectToServer: NonNullable<ConnectionOptions['reconnectToServer']> = (servers, met) => {
    if (!this.isMade && this.#lastDialled !== undefined) {
      this.met = met ?? undefined
      throw new Error('a first connection dials one broker')
    }
    const [first, second] = servers
    const next = first?.listen === this.#lastDialled ? (second ?? first) : first
    this.#lastDialled = next?.listen
    return next ?? null
  }
}

/** Throws BrokerUnreachable, TrackersUnreachable, UntrustedBrokers, or LoginRefused. */
export async function openConnection(
  servers: readonly string[],
  trust: Trust,
  login: Login & { readonly timeout: number },
  { withinMs = 0, silence = brokerTunables.silence, isInOrder = false }: ConnectSettings = {},
): Promise<NatsConnection> {
  const options = { ...tlsTowards(servers, trust), ...login }
  const race = new BrokerRace<NatsConnection>(isInOrder ? servers : shuffled(servers), {
    dial: (server, onGreeting) => dial(server, servers, options, onGreeting),
    discard: connection => void connection.close().catch(() => {}),
    nextAfterMs: brokerTunables.nextAfterMs,
    withinMs,
  })
  const end = await race.run()
  if (end.kind !== 'connected') throw failureOf(end, servers)
  leaveSilentBrokers(end.connection, silence)
  return end.connection
}

function shuffled<T>(list: readonly T[]): T[] {
  const rest = [...list]
  return list.map(() => rest.splice(Math.floor(Math.random() * rest.length), 1)[0]!)
}

async function dial(
  server: string,
  servers: readonly string[],
  { authenticator = [], ...login }: Login & { readonly timeout: number },
  onGreeting: () => void,
): Promise<Dialled<NatsConnection>> {
  const dialling = new Dialling(onGreeting)
  const startedAt = performance.now()
  try {
    const connection = await connectNats({
      maxReconnectAttempts: -1,
      ignoreAuthErrorAbort: true,
      reconnectTimeWait: brokerTunables.reconnectTimeWait,
      ...login,
      authenticator: [dialling.noteGreeting, ...[authenticator].flat()],
      reconnectToServer: dialling.reconnectToServer,
      servers: [server],
    })
    dialling.isMade = true
    connection.setServers(distinctServers([...servers, ...alike(connection.info?.connect_urls ?? [], servers)]))
    return { kind: 'connected', connection }
  } catch (cause) {
    const others = alike(dialling.met?.connect_urls ?? [], servers)
    // Brokers refuse after they have waited for a tracker for longer than the time-out.
    const isInTime = performance.now() - startedAt < login.timeout
    if (isCertificateError(cause)) return { kind: 'untrusted', cause, others }
    if (!dialling.hasMet) return { kind: isInTime ? 'absent' : 'silent', cause, others }
    const isRefusal = cause instanceof errors.AuthorizationError || dialling.met !== undefined
    return { kind: isInTime && isRefusal ? 'refused' : 'untended', cause, others }
  }
}

function failureOf({ kind, cause }: RaceLost, servers: readonly string[]): Error {
  const where = servers.join(', ')
  switch (kind) {
    case 'refused':
      return new LoginRefused('the brokers did not accept this login', { cause })
    case 'untrusted':
      return new UntrustedBrokers(
        `the brokers at ${where} are not of the cluster that this device trusts, or their certificate is for another address`,
        { cause },
      )
    case 'untended':
      return new TrackersUnreachable(`the brokers at ${where} answer, but no tracker does`, { cause })
    case 'silent':
    case 'absent':
      return new BrokerUnreachable(`no broker answers at ${where}`, { cause })
  }
}

/** A connection in the user's name, with a private inbox. Throws as `openConnection` does. */
export const connectBroker = (
  servers: readonly string[],
  login: Exclude<BrokerLogin, { kind: 'operator' }>,
  name: string,
  trust: Trust = trustNobody,
  settings: ConnectSettings = {},
): Promise<NatsConnection> =>
  openConnection(
    servers,
    trust,
    {
      ...toConnect(login),
      name,
      timeout: brokerTunables.loginTimeoutMs,
      inboxPrefix: login.kind === 'guest' ? guestInboxPrefix(login.nonce) : inboxPrefix(login.user),
    },
    settings,
  )

/**
 * A connection for relayed bytes alone (docs/adr/0026). Once lost it stays closed, and the next channel opens another. Throws as
 * `openConnection` does.
 */
export const connectRelay = (
  servers: readonly string[],
  { user, device, credential }: Omit<Extract<BrokerLogin, { kind: 'relay' }>, 'kind'>,
  trust: Trust = trustNobody,
): Promise<NatsConnection> =>
  openConnection(servers, trust, {
    ...toConnect({ kind: 'relay', user, device, credential }),
    name: `${user}.${device} relay`,
    timeout: brokerTunables.loginTimeoutMs,
    reconnect: false,
  })
