// Small manners of everything in a tracker that answers messages: read a body only by its schema, and let the same
// request that is made again while it is at work join the first.

import type { Msg } from 'nats'
import type { z } from 'zod'

/** Undefined for what is no JSON or does not fit the schema. */
export function parseBody<T extends z.ZodType>(message: Pick<Msg, 'data'>, schema: T): z.output<T> | undefined {
  try {
    return schema.safeParse(JSON.parse(Buffer.from(message.data).toString())).data
  } catch {
    return undefined
  }
}

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
