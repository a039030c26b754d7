// NATS's "no responders": the broker's answer to a request on a subject without subscribers.

import type { Msg } from 'nats'

/** Status 503 and no body: https://docs.nats.io/nats-concepts/core-nats/reqreply#no-responders */
export const isNoResponders = (message: Pick<Msg, 'data' | 'headers'>): boolean =>
  message.data.length === 0 && message.headers?.code === 503
