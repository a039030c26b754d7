// Hears the trackers' notices to one user. Every tracker sends each notice; the copies are dropped, and so is what this
// version cannot read.

import type { NatsConnection } from 'nats'
import { presenceTunables } from '../../../config/client.ts'
import { RecentMap } from '../../domain/recent-map.ts'
import { readJson } from '../../wire/json.ts'
import { type Notice, noticeSchema } from '../../wire/notice.ts'
import { noticeSubject } from '../../wire/subjects.ts'

/** Returns what ends it. */
export function listenForNotices(
  connection: Pick<NatsConnection, 'subscribe'>,
  user: string,
  onNotice: (notice: Notice) => void,
): () => void {
  const known = new RecentMap<string, true>(presenceTunables.rememberedNotices)
  const subscription = connection.subscribe(noticeSubject(user), {
    callback: (error, message) => {
      // The broker status reports it (broker-status.ts), and the session ends.
      if (error) return
      const notice = readJson(message.data, noticeSchema)
      const key = JSON.stringify(notice)
      if (!notice || known.has(key)) return
      known.set(key, true)
      onNotice(notice)
    },
  })
  return () => subscription.unsubscribe()
}
