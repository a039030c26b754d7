// Whether anybody still waits for the answer to a request: copies of it may be under way for long, in a tracker or a
// broker that stood still, and its asker has been answered by another one meanwhile (docs/adr/0012). The broker knows:
// it says at once when nobody hears an inbox.

import { setTimeout as delay } from 'node:timers/promises'
import { createInbox, type Msg, type NatsConnection } from 'nats'
import { trackerTunables } from '../../../config/tracker.ts'
import { isNoResponders } from '../client/no-responders.ts'

/** False also when the broker does not say: whoever waits asks again. */
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
      // No answer to anything, so an asker passes over it.
      connection.publish(reply ?? '', '', { reply: inbox })
      // What the broker has to say of it comes before its answer to this.
      const isSaid = connection.flush().then(() => true)
      return (await Promise.race([isSaid, delay(trackerTunables.brokerAnswerMs, false)])) && !hasNoResponders
    } catch {
      return false
    } finally {
      subscription.unsubscribe()
    }
  }
