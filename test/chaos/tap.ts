// Sits between a tracker client and its connection: reports every request with its id, and drops an answer at random, so
// that the client repeats a request that has already acted.

import type { Msg, NatsConnection } from 'nats'
import { trackerReplySchema } from '../../src/wire/tracker-api.ts'

type Transport = Pick<NatsConnection, 'publish' | 'subscribe' | 'requestMany' | 'status' | 'info'>

export interface Tapped {
  /** The id of the last published request. */
  readonly lastId: string | undefined
  /** The last answer as it came, with its sequence. */
  readonly lastSeq: number | undefined
}

export interface Mischief {
  readonly chance: () => number
  readonly answerLost: number
}

export function tap(connection: NatsConnection, { chance, answerLost }: Mischief) {
  let lastId: string | undefined
  let lastSeq: number | undefined
  const transport: Transport = {
    ...(connection.info ? { info: connection.info } : {}),
    status: () => connection.status(),
    requestMany: (...request) => connection.requestMany(...request),
    publish(subject, payload, options) {
      const id = idIn(payload)
      if (id !== undefined && id !== lastId) {
        lastId = id
        lastSeq = undefined
      }
      connection.publish(subject, payload, options)
    },
    subscribe(subject, options = {}) {
      let mayLose = chance() < answerLost
      const { callback } = options
      const listen = (error: Error | null, message: Msg) => {
        const reply = error ? undefined : replyIn(message)
        if (reply && mayLose) {
          mayLose = false
          return
        }
        if (reply) lastSeq = reply.seq
        callback?.(error, message)
      }
      return connection.subscribe(subject, { ...options, callback: listen })
    },
  }
  const tapped: Tapped = {
    get lastId() {
      return lastId
    },
    get lastSeq() {
      return lastSeq
    },
  }
  return { transport, tapped }
}

function idIn(payload: unknown): string | undefined {
  try {
    const { id } = JSON.parse(String(payload)) as { id?: string }
    return id
  } catch {
    return undefined
  }
}

function replyIn(message: Msg) {
  try {
    return trackerReplySchema.safeParse(message.json()).data
  } catch {
    return undefined
  }
}
