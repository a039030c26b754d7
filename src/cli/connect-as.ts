// Connecting to the brokers under any log-in. What fails on the way becomes a refusal that says what to do.

import type { NatsConnection } from 'nats'
import { BrokerUnreachable, connectBroker, LoginRefused } from '../actors/client/broker-connection.ts'
import { UntrustedBrokers } from '../actors/client/broker-trust.ts'
import { done, type Outcome, type Refusal, refuse } from '../domain/refusal.ts'
import type { EstablishTrust } from './establish-trust.ts'

export interface Brokers {
  /** Best first. */
  readonly servers: readonly string[]
  readonly trust: EstablishTrust
  /** What a person can do when none of them answers. */
  readonly unreachableAdvice: string
}

/** Refuses with `refused` when the brokers reject this log-in, else with `untrusted` or `unreachable`. */
export async function connectAs(
  login: Parameters<typeof connectBroker>[1],
  { servers, trust, unreachableAdvice }: Brokers,
  refused: Refusal,
): Promise<Outcome<NatsConnection>> {
  try {
    const trusted = await trust()
    return trusted.ok ? done(await connectBroker(servers, login, 'shoal', trusted.value)) : trusted
  } catch (error) {
    if (error instanceof LoginRefused) return refused
    if (error instanceof UntrustedBrokers)
      return refuse('untrusted', `${error.message}; if the cluster was created anew, run shoal trust FINGERPRINT`)
    if (!(error instanceof BrokerUnreachable)) throw error
    return refuse('unreachable', `${error.message}; ${unreachableAdvice}`)
  }
}
