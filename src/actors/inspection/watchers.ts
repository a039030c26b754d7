// Who watches this process: watchers say so again and again (wire/watching.ts), and are forgotten when they fall silent.
// While there is none, nothing is inspected at all.

import type { NatsConnection } from 'nats'
import { inspectionTunables } from '../../../config/inspection.ts'
import { readJson } from '../../wire/json.ts'
import { watchingSchema } from '../../wire/watching.ts'

/** Beyond that many at once, others see what these do and get no picture of their own. */
const mostWatchers = 64

interface WatcherEvents {
  /** The first one after a while without any. */
  began(): void
  /** One that was not there before. */
  came(watcher: string): void
  ended(): void
}

/** Time, for tests to tell. `every` returns what ends it. */
export interface WatchClock {
  now(): number
  every(ms: number, run: () => void): () => void
}

const realClock: WatchClock = {
  now: () => performance.now(),
  every(ms, run) {
    const timer = setInterval(run, ms).unref()
    return () => clearInterval(timer)
  },
}

/** Returns what ends it. */
export function hearWatchers(
  connection: Pick<NatsConnection, 'subscribe' | 'isClosed'>,
  subjects: readonly string[],
  events: WatcherEvents,
  clock = realClock,
): () => void {
  const heardAt = new Map<string, number>()
  const forgetAfterMs = inspectionTunables.watchEveryMs * inspectionTunables.missedWatches
  let stopSweeping: (() => void) | undefined

  const sweep = () => {
    for (const [watcher, at] of heardAt) if (clock.now() - at > forgetAfterMs) heardAt.delete(watcher)
    if (heardAt.size === 0) rest()
  }
  const rest = () => {
    if (stopSweeping === undefined) return
    stopSweeping()
    stopSweeping = undefined
    heardAt.clear()
    events.ended()
  }
  const hear = (data: Uint8Array) => {
    for (const watcher of readJson(data, watchingSchema)?.watchers ?? []) {
      const isNew = !heardAt.has(watcher)
      if (isNew && heardAt.size >= mostWatchers) continue
      heardAt.set(watcher, clock.now())
      if (stopSweeping === undefined) {
        stopSweeping = clock.every(inspectionTunables.watchEveryMs, sweep)
        events.began()
      }
      if (isNew) events.came(watcher)
    }
  }
  const subscriptions = subjects.map(subject =>
    connection.subscribe(subject, {
      callback: (error, message) => {
        if (!error) hear(message.data)
      },
    }),
  )
  return () => {
    for (const subscription of subscriptions) if (!connection.isClosed()) subscription.unsubscribe()
    rest()
  }
}
