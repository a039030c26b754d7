// Small manners of everything in a tracker that answers messages: read a body only by its schema, answer only into
// the asker's own inbox, and let the same request that is made again while it is at work join the first.

import type { Msg } from 'nats'
import type * as z from 'zod'

/** Undefined for what is no JSON or does not fit the schema. */
export function parseBody<T extends z.ZodType>(message: Pick<Msg, 'data'>, schema: T): z.output<T> | undefined {
  try {
    return schema.safeParse(JSON.parse(Buffer.from(message.data).toString())).data
  } catch {
    return undefined
  }
}

/**
 * Whether an answer goes into an inbox with that prefix. A tracker may publish anywhere, and who asks chooses where the
 * answer goes: unchecked, anybody could have a tracker write into the log, or tell JetStream to delete it.
 */
export const goesInto = (prefix: string, { reply }: Pick<Msg, 'reply'>): boolean =>
  reply?.startsWith(`${prefix}.`) === true

/** Runs `work` unless it is already running under that key; whoever comes meanwhile gets the same result. */
export function answerOnce() {
  const running = new Map<string, Promise<unknown>>()
  return <T>(key: string, work: () => Promise<T>): Promise<T> => {
    const joined = running.get(key)
    if (joined) return joined as Promise<T>
    const begun = work().finally(() => running.delete(key))
    running.set(key, begun)
    return begun
  }
}
