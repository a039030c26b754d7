// The one way to a broker, for people, trackers and the operator: knows every server it has heard of, trusts one
// authority, and turns NATS's errors into ours. Once made, a connection never gives up by itself: its owner closes it.

import { type ConnectionOptions, connect, errors, type NatsConnection } from 'nats'
import { brokerTunables } from '../../../config/client.ts'
import type { BrokerLogin } from '../../wire/broker-login.ts'
import { toConnect } from '../../wire/broker-login.ts'
import { guestInboxPrefix, inboxPrefix } from '../../wire/subjects.ts'
import { isCertificateError, type Trust, tlsTowards, trustNobody, UntrustedBrokers } from './broker-trust.ts'

/** No broker answered at any of the servers. */
export class BrokerUnreachable extends Error {
  override readonly name = 'BrokerUnreachable'
  readonly code = 'unreachable'
}

/** A broker refused our login: a wrong password or credential, or no tracker there to vouch for us. */
export class LoginRefused extends Error {
  override readonly name = 'LoginRefused'
  readonly code = 'bad-credentials'
}

/** Ends a first connection after a broker refused it. Never leaves this file. */
class TurnedAway extends Error {
  override readonly name = 'TurnedAway'
}

/**
 * Counts refusals of a first connection. Left alone, nats would try for ever: each broker names the others, and they are
 * tried again. All brokers ask the same trackers, so two refusals are enough, and one silence is.
 */
class FirstConnection {
  #isMade = false
  #dialledAt = 0
  #refusals = 0

  made(): void {
    this.#isMade = true
  }

  /** True also when the broker tried last was down. */
  get wasRefused(): boolean {
    return this.#refusals > 0
  }

  /** For nats: called before each server that is tried; `metABroker` is what the one before said of itself. */
  readonly reconnectToServer = (_: unknown, metABroker: unknown): null => {
    const now = performance.now()
    if (!this.#isMade && metABroker) {
      if (now - this.#dialledAt >= brokerTunables.loginTimeoutMs)
        throw new BrokerUnreachable('no tracker answers the brokers')
      this.#refusals += 1
      if (this.#refusals >= 2) throw new TurnedAway('two brokers refused')
    }
    this.#dialledAt = now
    return null
  }
}

/** Throws BrokerUnreachable, UntrustedBrokers, or LoginRefused when the brokers refuse the first connection. */
export async function openConnection(
  servers: readonly string[],
  trust: Trust,
  options: Pick<ConnectionOptions, 'name' | 'timeout' | 'inboxPrefix' | 'user' | 'pass' | 'authenticator'>,
): Promise<NatsConnection> {
  const first = new FirstConnection()
  const tls = tlsTowards(servers, trust)
  const { reconnectToServer } = first
  try {
    const connection = await connect({
      maxReconnectAttempts: -1,
      ignoreAuthErrorAbort: true,
      ...brokerTunables.connection,
      reconnectToServer,
      ...tls,
      ...options,
      servers: [...servers],
    })
    first.made()
    return connection
  } catch (cause) {
    const inner = (cause as Error).cause
    if (inner instanceof BrokerUnreachable) throw inner
    if (isCertificateError(cause))
      throw new UntrustedBrokers(
        `the brokers at ${servers.join(', ')} are not of the cluster that this device trusts, or their certificate is for another address`,
        { cause },
      )
    if (cause instanceof errors.AuthorizationError || first.wasRefused)
      throw new LoginRefused('the brokers did not accept this login', { cause })
    throw new BrokerUnreachable(`no broker answers at ${servers.join(', ')}`, { cause })
  }
}

/** A connection in the user's name, with a private inbox. Throws as `openConnection` does. */
export const connectBroker = (
  servers: readonly string[],
  login: Exclude<BrokerLogin, { kind: 'operator' }>,
  name: string,
  trust: Trust = trustNobody,
): Promise<NatsConnection> =>
  openConnection(servers, trust, {
    ...toConnect(login),
    name,
    timeout: brokerTunables.loginTimeoutMs,
    inboxPrefix: login.kind === 'guest' ? guestInboxPrefix(login.nonce) : inboxPrefix(login.user),
  })
