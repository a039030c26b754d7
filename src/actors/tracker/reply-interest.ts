// Whether anybody still waits for the answer to a request. A copy of it may be delayed in a tracker or a broker that stood
// still while another tracker answered (docs/adr/0012). The broker knows: it answers "no responders" at once when nobody
// subscribes to an inbox. Asked over the connection that the request came by: another broker may not have heard of the
// subscription yet.

import { setTimeout as delay } from 'node:timers/promises'
import { createInbox, type Msg, type NatsConnection } from 'nats'
import { trackerTunables } from '../../../config/tracker.ts'
import { isNoResponders } from '../client/no-responders.ts'

/** False also if the broker does not answer: an asker that still waits asks again. */
export type HasInterest = () => Promise<boolean>

export const createHasInterest =
  (connection: Pick<NatsConnection, 'publish' | 'subscribe' | 'flush'>, { reply }: Pick<Msg, 'reply'>): HasInterest =>
  async () => {
    const inbox = createInbox('_INBOX_.tracker.shoal')
    let hasNoResponders = false
    const subscription = connection.subscribe(inbox, {
      callback: (_, message) => {
        hasNoResponders ||= isNoResponders(message)
      },
    })
    try {
      // Not an answer, so an asker ignores it.
      connection.publish(reply ?? '', '', { reply: inbox })
      // The broker's "no responders" comes before its answer to the flush.
      const isFlushed = connection.flush().then(() => true)
      return (await Promise.race([isFlushed, delay(trackerTunables.brokerAnswerMs, false)])) && !hasNoResponders
    } catch {
      return false
    } finally {
      subscription.unsubscribe()
    }
  }
