// Retries requests to brokers that cannot answer yet, because they have just started or are electing a leader.

import { setTimeout as sleep } from 'node:timers/promises'
import { processTunables } from '../../config/cluster.ts'
import { BrokerUnreachable } from '../actors/client/broker-connection.ts'
import { LogUnavailable } from '../actors/tracker/event-log.ts'

const isPassing = (error: unknown) => error instanceof LogUnavailable || error instanceof BrokerUnreachable

/** Repeats `act` until it succeeds. Throws other failures at once, and the brokers' last failure after `withinMs`. */
export async function untilAvailable<T>(act: () => Promise<T>, withinMs: number): Promise<T> {
  const deadline = performance.now() + withinMs
  for (;;) {
    try {
      return await act()
    } catch (error) {
      if (!isPassing(error) || performance.now() > deadline) throw error
      await sleep(processTunables.lookEveryMs)
    }
  }
}
