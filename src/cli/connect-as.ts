// Connecting to the brokers under any log-in. What fails on the way becomes a refusal that says what to do.

import type { NatsConnection } from 'nats'
import { brokerTunables, requestTunables } from '../../config/client.ts'
import {
  BrokerUnreachable,
  connectBroker,
  LoginRefused,
  TrackersUnreachable,
} from '../actors/client/broker-connection.ts'
import { UntrustedBrokers } from '../actors/client/broker-trust.ts'
import { done, type Outcome, type Refusal, refuse } from '../domain/refusal.ts'
import type { EstablishTrust } from './establish-trust.ts'

/** What a person can do when brokers or trackers do not answer. */
export interface Advice {
  readonly noBroker: string
  readonly noTracker: string
}

export interface Brokers {
  /** Best first. */
  readonly servers: readonly string[]
  readonly trust: EstablishTrust
  readonly advice: Advice
}

/**
 * Tries until the deadline of requests. Refuses with `refused` when the brokers reject this log-in, else with `untrusted` or
 * `unreachable`.
 */
export async function connectAs(
  login: Parameters<typeof connectBroker>[1],
  { servers, trust, advice }: Brokers,
  refused: Refusal,
  deadlineMs: number = requestTunables.deadlineMs,
): Promise<Outcome<NatsConnection>> {
  const startedAt = Date.now()
  try {
    const trusted = await trust()
    if (!trusted.ok) return trusted
    const withinMs = Math.max(1, deadlineMs - (Date.now() - startedAt))
    const settings = { withinMs, silence: brokerTunables.shortSilence }
    return done(await connectBroker(servers, login, 'shoal', trusted.value, settings))
  } catch (error) {
    if (error instanceof LoginRefused) return refused
    if (error instanceof UntrustedBrokers)
      return refuse('untrusted', `${error.message}; if the cluster was created anew, run shoal trust FINGERPRINT`)
    if (!(error instanceof BrokerUnreachable)) throw error
    return refuse(
      'unreachable',
      `${error.message}; ${error instanceof TrackersUnreachable ? advice.noTracker : advice.noBroker}`,
    )
  }
}
