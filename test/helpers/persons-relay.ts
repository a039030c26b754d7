// The relay of a device without an agent, as its agent would have it.

import type { ExecutionContext } from 'ava'
import { connectRelay } from '../../src/actors/client/broker-connection.ts'
import { Relay } from '../../src/actors/swarm/relay.ts'
import type { Person } from './person.ts'

/** Closed when the test has ended. */
export function openPersonsRelay(
  t: Pick<ExecutionContext, 'teardown'>,
  servers: readonly string[],
  who: Person,
): Relay {
  const { user, device, connection, trackers } = who
  const dial = () => connectRelay(servers, who)
  const relay = new Relay({ me: { user, device }, main: connection, trackers, dial })
  t.teardown(() => relay.close())
  return relay
}
