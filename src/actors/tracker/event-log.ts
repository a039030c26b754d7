// The one log: the JetStream stream SHOAL. Translates NATS's errors into ours. An append certainly happened, certainly
// lost against another one, or is in doubt; nothing is guessed.

import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  JetStreamApiError,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from '@nats-io/jetstream'
import { type NatsConnection, nanos, nuid } from 'nats'
import { logTunables, trackerTunables } from '../../../config/tracker.ts'
import { fingerprintOf } from '../../wire/log-entry.ts'
import type { LogRecord } from '../../wire/log-record.ts'
import { logStream, logSubjects } from '../../wire/subjects.ts'
import { speaksForAll } from './log-leadership.ts'

/** The brokers did not answer about the log in time, or cannot for now: try again later. */
export class LogUnavailable extends Error {
  override readonly name = 'LogUnavailable'
  readonly code = 'log-unavailable'
}

/** The log is gone, was made anew or went back: what was applied of it is void. */
export class LogReplaced extends Error {
  override readonly name = 'LogReplaced'
  readonly code = 'log-replaced'
}

export interface LogEnd {
  /** Tells one stream from another of the same name. */
  readonly created: string
  readonly lastSeq: number
}

export type Append =
  | { readonly kind: 'appended'; readonly seq: number }
  /** Another append to the subject came first, or is in flight: `atLeast` is how far to catch up, if known. */
  | { readonly kind: 'conflict'; readonly atLeast: number | undefined }
  /** No answer, or no leader: it may have happened, or may yet. */
  | { readonly kind: 'in-doubt'; readonly cause: Error }
  /** Larger than the brokers take: it did not happen. */
  | { readonly kind: 'too-large' }

export interface EventLog {
  /** Creates the stream if it is missing; several trackers may do so at once. Throws LogUnavailable. */
  ensure(): Promise<void>
  /** Throws LogUnavailable, and LogReplaced when there is no log. */
  end(): Promise<LogEnd>
  /** The fingerprint of the entry at that sequence; undefined when there is none. Throws LogUnavailable. */
  fingerprintAt(seq: number): Promise<string | undefined>
  /**
   * Has the brokers send every entry from `seq` on, in order, to that subject, and a heartbeat when there is none.
   * Returns the consumer's name. Throws LogUnavailable.
   */
  follow(seq: number, deliverTo: string): Promise<string>
  /** Best effort: the brokers forget idle consumers themselves. */
  forget(consumer: string): Promise<void>
  append(subject: string, record: LogRecord, lastSequence: number): Promise<Append>
}

const wrongLastSequence = 10071
const conflictInFlight = 10164
const streamNameInUse = 10058
const messageNotFound = 10037
const streamNotFound = 10059
/**
 * Within this, JetStream itself drops an entry whose message id it has seen; beyond it trackers look into the log. Part of
 * the stream's format, like its other settings below: a stream keeps what it was made with.
 */
const duplicateWindowMs = 120_000

const errorCode = (error: unknown) => (error instanceof JetStreamApiError ? error.code : undefined)

export async function openEventLog(connection: NatsConnection, brokers: number): Promise<EventLog> {
  const timeout = { timeout: trackerTunables.brokerAnswerMs }
  const manager = await jetstreamManager(connection, { ...timeout, checkAPI: false })
  const js = jetstream(connection, timeout)
  const replicas = brokers >= 3 ? 3 : 1
  const asked = async <T>(what: string, answer: Promise<T>): Promise<T> => {
    try {
      return await answer
    } catch (cause) {
      if (errorCode(cause) === streamNotFound) throw new LogReplaced('the log is gone', { cause })
      throw new LogUnavailable(`the brokers did not ${what}: ${(cause as Error).message}`, { cause })
    }
  }

  return {
    async ensure() {
      try {
        await manager.streams.add({
          name: logStream,
          subjects: [logSubjects],
          storage: StorageType.File,
          retention: RetentionPolicy.Limits,
          discard: DiscardPolicy.New,
          num_replicas: replicas,
          deny_delete: true,
          deny_purge: true,
          allow_direct: false,
          duplicate_window: nanos(duplicateWindowMs),
        })
      } catch (cause) {
        // Another version created it with other settings: those stay.
        if (errorCode(cause) === streamNameInUse) return
        throw new LogUnavailable(`the brokers did not make the log: ${(cause as Error).message}`, { cause })
      }
    },

    async end() {
      const { created, state, cluster } = await asked('say where the log ends', manager.streams.info(logStream))
      if (!speaksForAll(cluster, replicas)) throw new LogUnavailable('no broker can say for all where the log ends')
      return { created: String(created), lastSeq: state.last_seq }
    },

    async fingerprintAt(seq) {
      try {
        const message = await manager.streams.getMessage(logStream, { seq })
        return message ? fingerprintOf(message.data) : undefined
      } catch (cause) {
        if (errorCode(cause) === messageNotFound) return undefined
        throw new LogUnavailable(`the brokers did not show entry ${seq}: ${(cause as Error).message}`, { cause })
      }
    },

    async follow(seq, deliverTo) {
      const name = `follower-${nuid.next()}`
      const made = manager.consumers.add(logStream, {
        name,
        deliver_subject: deliverTo,
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: seq,
        ack_policy: AckPolicy.None,
        num_replicas: replicas,
        flow_control: true,
        idle_heartbeat: nanos(logTunables.followerStallMs / 3),
        inactive_threshold: nanos(trackerTunables.consumerForgottenMs),
      })
      await asked('let the log be followed', made)
      return name
    },

    async forget(consumer) {
      await manager.consumers.delete(logStream, consumer).catch(() => {})
    },

    async append(subject, record, lastSequence) {
      const payload = Buffer.from(JSON.stringify(record))
      if (payload.length > (connection.info?.max_payload ?? payload.length)) return { kind: 'too-large' }
      try {
        const { seq } = await js.publish(subject, payload, {
          msgID: record.id,
          expect: { lastSubjectSequence: lastSequence },
          timeout: logTunables.appendTimeoutMs,
          // The caller looks into the log before it tries again.
          retries: 1,
        })
        return { kind: 'appended', seq }
      } catch (cause) {
        const code = errorCode(cause)
        if (code === conflictInFlight) return { kind: 'conflict', atLeast: undefined }
        if (code !== wrongLastSequence) return { kind: 'in-doubt', cause: cause as Error }
        const actual = /wrong last sequence: (\d+)/.exec((cause as Error).message)?.[1]
        return { kind: 'conflict', atLeast: actual === undefined ? undefined : Number(actual) }
      }
    },
  }
}
