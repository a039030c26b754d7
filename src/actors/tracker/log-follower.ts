// Follows the log from the projection's applied sequence on, and applies it in order. It checks the order itself and
// replaces a consumer that falls silent, skips or repeats, as one may whose broker died. It fails only if the log or the
// projection was replaced or damaged.

import { setTimeout as delay } from 'node:timers/promises'
import { createInbox, type Msg } from 'nats'
import { logTunables, trackerTunables } from '../../../config/tracker.ts'
import type { FollowerReport } from '../../machines/tracker.ts'
import { type LogEntry, readLogEntry } from '../../wire/log-entry.ts'
import { LogReplaced, LogUnavailable } from './event-log.ts'
import { misfit } from './prepare-projection.ts'
import type { TrackerActor, TrackerParts } from './tracker-parts.ts'

/** `$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>…`, also with domain and account before the stream. */
function sequencesOf(message: Msg): { seq: number; delivery: number } | undefined {
  const tokens = message.reply?.split('.') ?? []
  const first = tokens.length > 9 ? 7 : 5
  const [seq, delivery] = [Number(tokens[first]), Number(tokens[first + 1])]
  return tokens[1] === 'ACK' && Number.isSafeInteger(seq) && Number.isSafeInteger(delivery)
    ? { seq, delivery }
    : undefined
}

/** Follows with one consumer for as long as it can be relied on; resolves to why it ended. */
async function followOnce(parts: TrackerParts, take: (entry: LogEntry) => void, signal: AbortSignal): Promise<string> {
  const { connections, eventLog, progress } = parts
  const { promise, resolve } = Promise.withResolvers<string>()
  const inbox = createInbox('_INBOX_.tracker.shoal')
  let delivered = 0
  const watchdog = setTimeout(() => resolve('it is silent'), logTunables.followerStallMs)
  const stop = () => resolve('the tracker stops')
  signal.addEventListener('abort', stop, { once: true })

  const subscription = connections.log.subscribe(inbox, {
    callback: (error, message) => {
      if (error) return resolve(error.message)
      watchdog.refresh()
      const sequences = sequencesOf(message)
      if (sequences) {
        if (sequences.delivery !== delivered + 1) return resolve('it skipped or repeated an entry')
        delivered = sequences.delivery
        return take(readLogEntry(sequences.seq, message.subject, message.data))
      }
      // Flow control or a heartbeat, which says how far the consumer is and whether it waits for us.
      if (message.reply) message.respond()
      const stalled = message.headers?.get('Nats-Consumer-Stalled')
      if (stalled) connections.log.publish(stalled)
      const last = message.headers?.get('Nats-Last-Consumer')
      if (last && Number(last) > delivered) resolve('an entry did not arrive')
    },
  })
  let consumer: string | undefined
  try {
    consumer = await eventLog.follow(progress.applied + 1, inbox)
    watchdog.refresh()
    return await promise
  } finally {
    clearTimeout(watchdog)
    signal.removeEventListener('abort', stop)
    subscription.unsubscribe()
    if (consumer !== undefined) void eventLog.forget(consumer)
  }
}

export const logFollowerActor: TrackerActor =
  parts =>
  ({ sendBack }) => {
    const { eventLog, projection, progress, writing, log } = parts
    const report = (event: FollowerReport) => sendBack(event)
    const stopped = new AbortController()
    const { signal } = stopped
    let waiting: LogEntry[] = []
    let flushing: NodeJS.Immediate | undefined
    /** Where the log ended when this follower began; entries up to there are history. */
    let history: number | undefined
    let caughtUp = false

    const fail = (error: unknown) => {
      if (signal.aborted) return
      stopped.abort()
      report({ type: 'follower.failed', error })
    }
    const sayWhenCaughtUp = () => {
      if (caughtUp || history === undefined || progress.applied < history) return
      caughtUp = true
      report({ type: 'log.caught-up' })
    }
    const flush = () => {
      flushing = undefined
      if (waiting.length === 0) return
      const entries = waiting.slice(0, trackerTunables.entriesAtOnce)
      waiting = waiting.slice(trackerTunables.entriesAtOnce)
      try {
        projection.apply(entries)
      } catch (error) {
        return fail(error)
      }
      for (const { seq, size, record } of entries) {
        if (!record) log.error({ seq }, 'an entry of the log cannot be read; every tracker passes over it')
        // A tracker's clock that was far ahead must not keep its users from writing until then.
        else if (record.by && record.by !== 'operator')
          writing.note(record.by.user, size, Math.min(record.at, Date.now()))
      }
      progress.advance(projection.applied)
      if (caughtUp) report({ type: 'entries.applied', entries })
      sayWhenCaughtUp()
      if (waiting.length > 0) flushing = setImmediate(flush)
    }
    const take = (entry: LogEntry) => {
      waiting.push(entry)
      flushing ??= setImmediate(flush)
    }

    const follow = async () => {
      while (!signal.aborted) {
        try {
          const why = await misfit(eventLog, projection.origin)
          if (why !== undefined) throw new LogReplaced(`the projection does not fit the log: ${why}`)
          history ??= (await eventLog.end()).lastSeq
          sayWhenCaughtUp()
          const ended = await followOnce(parts, take, signal)
          if (!signal.aborted) log.info({ ended, applied: progress.applied }, 'a new consumer follows the log')
        } catch (error) {
          if (!(error instanceof LogUnavailable)) throw error
          log.warn({ err: error }, 'the log cannot be followed for now')
          await delay(trackerTunables.restart.firstMs, undefined, { signal }).catch(() => {})
        }
        // What the old consumer brought is applied before the next one is told where to begin.
        clearImmediate(flushing)
        while (waiting.length > 0 && !signal.aborted) flush()
      }
    }
    if (!parts.isVerified) report({ type: 'log.out-of-reach' })
    follow().catch(fail)
    return () => {
      stopped.abort()
      clearImmediate(flushing)
    }
  }
