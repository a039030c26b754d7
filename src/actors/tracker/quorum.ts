// Whether a majority of the brokers can be reached, asked of the brokers themselves. A yes is cached for a moment, so that
// a burst of writes asks once; a no is not cached, and takes two counts: on a busy machine, or while the tracker's own
// connection moves from a broker that died to another, one count comes out short though the majority is there.
// A write that is not begun certainly did not happen.

import type { NatsConnection } from 'nats'
import { trackerTunables } from '../../../config/tracker.ts'

export interface Quorum {
  isReachable(): Promise<boolean>
}

/** `sys` is a connection to the brokers' own account. */
export function createQuorum(sys: Pick<NatsConnection, 'requestMany'>, brokers: number): Quorum {
  const needed = Math.floor(brokers / 2) + 1
  let known: { readonly answer: Promise<boolean>; validUntil: number } | undefined

  async function count(): Promise<boolean> {
    let answers = 0
    try {
      const options = {
        strategy: 'count' as const,
        maxMessages: needed,
        maxWait: trackerTunables.quorumWaitMs,
      }
      for await (const _ of await sys.requestMany('$SYS.REQ.SERVER.PING', '', options)) answers++
    } catch {
      // No broker answers.
    }
    return answers >= needed
  }

  const countTwice = async () => (await count()) || (await count())

  return {
    isReachable() {
      if (known && performance.now() < known.validUntil) return known.answer
      const asked = { answer: countTwice(), validUntil: Number.POSITIVE_INFINITY }
      known = asked
      void asked.answer.then(isReachable => {
        asked.validUntil = isReachable ? performance.now() + trackerTunables.quorumKnownMs : 0
      })
      return asked.answer
    },
  }
}
