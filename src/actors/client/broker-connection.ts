// The one way to a broker: connects as a guest, with a password, or as a device, lists every server it has heard of,
// and turns NATS's errors into ours. A connection, once made, never gives up by itself: it is closed by its owner.

import { type ConnectionOptions, connect, errors, type NatsConnection } from 'nats'
import type { BrokerLogin } from '../../wire/broker-login.ts'
import { toConnect } from '../../wire/broker-login.ts'
import { guestInboxPrefix, inboxPrefix } from '../../wire/subjects.ts'
import { isCertificateError, type Trust, tlsTowards, trustNobody, UntrustedBrokers } from './broker-trust.ts'

/** No broker answered at any of the servers. */
export class BrokerUnreachable extends Error {
  override readonly name = 'BrokerUnreachable'
  readonly code = 'unreachable'
}

/** A broker answered and let us in not: a wrong password or credential, or no tracker there to vouch for us. */
export class LoginRefused extends Error {
  override readonly name = 'LoginRefused'
  readonly code = 'bad-credentials'
}

/** Below the time that brokers wait for a tracker to answer, so that its silence is told apart from a refusal. */
const loginTimeoutMs = 4_500

/** Ends a first connection: a broker was there, and did not let us in. Never leaves this file. */
class TurnedAway extends Error {
  override readonly name = 'TurnedAway'
}

/**
 * Left alone, a first connection that is turned away goes round for ever: each broker tells of the others, and they
 * are tried again. Two brokers ask the same trackers, so two refusals are enough; one silence is, too.
 */
export function giveUpWhenTurnedAway() {
  let dialledAt = 0
  let refusals = 0
  return {
    isConnected: false,
    /** Whichever broker was tried last, one that is down does not hide that another turned us away. */
    wasRefused: () => refusals > 0,
    reconnectToServer(_: unknown, metABroker: unknown): null {
      const now = performance.now()
      if (!this.isConnected && metABroker) {
        if (now - dialledAt >= loginTimeoutMs) throw new BrokerUnreachable('no tracker answers the brokers')
        if (++refusals >= 2) throw new TurnedAway('two brokers refused')
      }
      dialledAt = now
      return null
    },
  }
}

/** Everything but who connects; the same for people and trackers. */
export const connectionDefaults = {
  maxReconnectAttempts: -1,
  reconnectTimeWait: 250,
  ignoreAuthErrorAbort: true,
  pingInterval: 5_000,
  maxPingOut: 3,
} satisfies ConnectionOptions

/**
 * A connection in the person's own name, with an inbox of its own.
 * Throws BrokerUnreachable, UntrustedBrokers, or LoginRefused when the first connection is turned away.
 */
export async function connectBroker(
  servers: readonly string[],
  login: Exclude<BrokerLogin, { kind: 'operator' }>,
  name: string,
  trust: Trust = trustNobody,
): Promise<NatsConnection> {
  const attempts = giveUpWhenTurnedAway()
  const tls = tlsTowards(servers, trust)
  try {
    const connection = await connect({
      ...connectionDefaults,
      reconnectToServer: (servers, info) => attempts.reconnectToServer(servers, info),
      ...tls,
      ...toConnect(login),
      servers: [...servers],
      name,
      timeout: loginTimeoutMs,
      inboxPrefix: login.kind === 'guest' ? guestInboxPrefix(login.nonce) : inboxPrefix(login.user),
    })
    attempts.isConnected = true
    return connection
  } catch (cause) {
    const inner = (cause as Error).cause
    if (inner instanceof BrokerUnreachable) throw inner
    if (isCertificateError(cause))
      throw new UntrustedBrokers(
        `what answers at ${servers.join(', ')} is not of the cluster that this device trusts, or is not meant to be reached by that name`,
        { cause },
      )
    if (cause instanceof errors.AuthorizationError || attempts.wasRefused())
      throw new LoginRefused('the brokers did not accept this log-in', { cause })
    throw new BrokerUnreachable(`no broker answers at ${servers.join(', ')}`, { cause })
  }
}
