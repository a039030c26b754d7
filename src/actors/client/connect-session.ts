// Connects with this device's login, and distinguishes a void credential from trackers that are away: a broker refuses both
// alike. A credential counts as void only when the trackers let a guest in both before and after they refused it, so a
// login is never given up because a tracker was restarting.

import { randomBytes } from 'node:crypto'
import type { NatsConnection } from 'nats'
import type { Session } from '../device/home.ts'
import { BrokerUnreachable, connectBroker, LoginRefused } from './broker-connection.ts'
import { type Trust, trustNobody, UntrustedBrokers } from './broker-trust.ts'

const login = ({ user, device, credential }: Session) => ({ kind: 'device' as const, user, device, credential })

async function areTrackersThere(servers: readonly string[], trust: Trust): Promise<boolean> {
  try {
    const nonce = randomBytes(16).toString('hex')
    await (await connectBroker(servers, { kind: 'guest', nonce }, 'guest', trust)).close()
    return true
  } catch (error) {
    if (isFailure(error)) return false
    throw error
  }
}

/** 'away' when no broker answers, or none can check the login; 'revoked' when this credential is void. */
export async function connectSession(
  servers: readonly string[],
  session: Session,
  trust: Trust = trustNobody,
): Promise<NatsConnection | 'away' | 'revoked'> {
  try {
    return await connectBroker(servers, login(session), `${session.user}.${session.device}`, trust)
  } catch (error) {
    if (!isFailure(error)) throw error
    if (!(error instanceof LoginRefused)) return 'away'
    return (await isRevoked(servers, session, trust)) ? 'revoked' : 'away'
  }
}

export async function isRevoked(
  servers: readonly string[],
  session: Session,
  trust: Trust = trustNobody,
): Promise<boolean> {
  if (!(await areTrackersThere(servers, trust))) return false
  try {
    await (await connectBroker(servers, login(session), 'probe', trust)).close()
    return false
  } catch (error) {
    if (!isFailure(error)) throw error
    // Trackers answer nothing to a device that they cut off for a while: silence is no refusal.
    return error instanceof LoginRefused && (await areTrackersThere(servers, trust))
  }
}

const isFailure = (error: unknown) =>
  error instanceof LoginRefused || error instanceof BrokerUnreachable || error instanceof UntrustedBrokers
