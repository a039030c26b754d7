// Who watches this process: watchers announce themselves again and again (wire/watching.ts), and one that falls silent is
// forgotten. While there is none, nothing is inspected at all.

import type { Msg, NatsConnection } from 'nats'
import { inspectionTunables } from '../../../config/inspection.ts'
import { readJson } from '../../wire/json.ts'
import { watchingSchema } from '../../wire/watching.ts'

interface WatcherEvents {
  /** The first watcher after a time without any; `joined` follows. */
  started(): void
  /** A watcher that was not there before. */
  joined(watcher: string): void
  /** The last watcher is gone. */
  ended(): void
}

/** Time, for tests to control. `every` returns a function that ends it. */
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

interface Hearing {
  readonly clock?: WatchClock | undefined
  /** False for an announcement that is to be dropped unread. */
  readonly admits?: ((announcement: Pick<Msg, 'subject' | 'data'>) => boolean) | undefined
}

/** Returns a function that ends it. */
export function hearWatchers(
  connection: Pick<NatsConnection, 'subscribe' | 'isClosed'>,
  subjects: readonly string[],
  events: WatcherEvents,
  { clock = realClock, admits = () => true }: Hearing = {},
): () => void {
  const watchers = new Watchers(events, clock)
  const subscriptions = subjects.map(subject =>
    connection.subscribe(subject, {
      callback: (error, message) => {
        const announced = error || !admits(message) ? undefined : readJson(message.data, watchingSchema)
        for (const watcher of announced?.watchers ?? []) watchers.heard(watcher)
      },
    }),
  )
  return () => {
    for (const subscription of subscriptions) if (!connection.isClosed()) subscription.unsubscribe()
    watchers.forgetAll()
  }
}

class Watchers {
  readonly #events: WatcherEvents
  readonly #clock: WatchClock
  readonly #heardAt = new Map<string, number>()
  #stopSweeping: (() => void) | undefined

  constructor(events: WatcherEvents, clock: WatchClock) {
    this.#events = events
    this.#clock = clock
  }

  heard(watcher: string): void {
    const isNew = !this.#heardAt.has(watcher)
    if (isNew && this.#heardAt.size >= inspectionTunables.mostWatchers) return
    this.#heardAt.set(watcher, this.#clock.now())
    if (this.#stopSweeping === undefined) {
      this.#stopSweeping = this.#clock.every(inspectionTunables.watchEveryMs, () => this.#forgetSilent())
      this.#events.started()
    }
    if (isNew) this.#events.joined(watcher)
  }

  forgetAll(): void {
    if (this.#stopSweeping === undefined) return
    this.#stopSweeping()
    this.#stopSweeping = undefined
    this.#heardAt.clear()
    this.#events.ended()
  }

  #forgetSilent(): void {
    const { watchEveryMs, missedWatches } = inspectionTunables
    const oldest = this.#clock.now() - watchEveryMs * missedWatches
    for (const [watcher, at] of this.#heardAt) if (at < oldest) this.#heardAt.delete(watcher)
    if (this.#heardAt.size === 0) this.forgetAll()
  }
}
