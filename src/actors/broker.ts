// The one way to a broker: connects as a guest, with a password, or as a device, lists every server it has heard of,
// and turns NATS's errors into ours. A connection, once made, never gives up by itself: it is closed by its owner.

import { type ConnectionOptions, connect, errors, type NatsConnection } from 'nats'
import type { BrokerLogin } from '../wire/broker-login.ts'
import { toConnect } from '../wire/broker-login.ts'
import { guestInboxPrefix, inboxPrefix } from '../wire/subjects.ts'

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
 * Throws BrokerUnreachable, or LoginRefused when the first connection is turned away.
 */
export async function connectBroker(
  servers: readonly string[],
  login: BrokerLogin,
  name: string,
): Promise<NatsConnection> {
  try {
    return await connect({
      ...connectionDefaults,
      ...toConnect(login),
      servers: [...servers],
      name,
      timeout: 5_000,
      inboxPrefix: login.kind === 'guest' ? guestInboxPrefix(login.nonce) : inboxPrefix(login.user),
    })
  } catch (cause) {
    const refused = cause instanceof errors.AuthorizationError || cause instanceof errors.UserAuthenticationExpiredError
    if (refused) throw new LoginRefused('the brokers did not accept this log-in', { cause })
    throw new BrokerUnreachable(`no broker answers at ${servers.join(', ')}`, { cause })
  }
}
