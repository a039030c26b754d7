// What every part of a tracker that answers messages keeps to: it answers only into the asker's own inbox, and a request
// that is repeated while it is still being worked on gets the answer of the first.

import type { Msg } from 'nats'

/**
 * Whether the answer goes into an inbox with that prefix. Askers choose the reply subject, and a tracker may publish
 * anywhere: unchecked, anybody could have a tracker write into the log, or tell JetStream to delete it.
 */
export const goesInto = (prefix: string, { reply }: Pick<Msg, 'reply'>): boolean =>
  reply?.startsWith(`${prefix}.`) === true

/** Runs `work` unless it is already running under that key; a call meanwhile gets the same result. */
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
