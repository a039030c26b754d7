import type { Duplex } from 'node:stream'

/** Resolves when `stream` has closed, be it by an error: the other side may reset a connection instead of ending it. */
export function closed(stream: Duplex): Promise<void> {
  if (stream.closed) return Promise.resolve()
  const { promise, resolve } = Promise.withResolvers<void>()
  stream.on('error', () => {}).once('close', resolve)
  return promise
}
