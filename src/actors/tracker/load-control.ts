// Makes those who cause load bear it. Every message that a tracker hears from people is counted here first, by its source
// and before anything in it is read. Beyond one rate a source's messages are dropped, which its client repeats later;
// beyond another the source is cut off: its connections are closed, and for a while no tracker lets it in or hears it.
// Each room has counts of its own, so that a busy script does not silence its device's heartbeats. Each tracker counts
// what it hears itself; only that a source was cut off is told to the others (docs/adr/0025).

import type { Msg, NatsConnection } from 'nats'
import type { Logger } from 'pino'
import { loadTunables } from '../../../config/load.ts'
import {
  createPolicer,
  type Policer,
  type PolicerLimits,
  type Rate,
  scaled,
  type Traffic,
} from '../../domain/policer.ts'
import { RecentMap } from '../../domain/recent-map.ts'
import { type CutOffMessage, cutOffMessageSchema, cutOffSubject } from '../../wire/cut-off-message.ts'
import { readJson } from '../../wire/json.ts'
import { kickConnections } from './kick-connections.ts'
import { type MessageSource, sourceKey } from './message-source.ts'

/** What is counted apart. */
export type Room = 'reads' | 'writes' | 'sign-ups' | 'log-ins' | 'presence' | 'status' | 'watching'

/** `loadTunables`, or a test's own values. */
export interface LoadSettings {
  readonly rooms: Readonly<Record<Room, PolicerLimits>>
  /** Connections of one device that is logged in, or all others from one origin. */
  readonly connections: Rate
  /** One user's devices together may send as much as this many. */
  readonly devicesPerUser: number
  readonly rememberedSources: number
  readonly refusedForMs: number
  readonly kickAgainMs: number
}

export interface LoadControl {
  /** Counts a message of that many bytes; false: drop it unread. */
  admits(room: Room, source: MessageSource, bytes: number): boolean
  /** Whether a message that was admitted and then waited is to be answered: false once answers to others used up its bytes. */
  mayAnswer(room: Room, source: MessageSource): boolean
  /** Cuts a source off at once; `room` is for the log. */
  cutOff(room: Room | 'unheard', source: MessageSource): void
  /** Counts the answer to an admitted message. */
  charge(room: Room, source: MessageSource, bytes: number): void
  /**
   * Counts a connection that asks to be let in; `from` is a device that is logged in, or an origin. False: it has to wait, as
   * others from there came too fast.
   */
  admitsConnection(from: string): boolean
  /** It was cut off, and is not to be let in yet. */
  isRefused(source: MessageSource): boolean
  close(): void
}

interface Needs {
  /** The tracker's. */
  readonly name: string
  readonly log: Logger
}

export interface LoadConnections {
  /** To the trackers' own account. */
  readonly auth: Pick<NatsConnection, 'publish' | 'subscribe' | 'isClosed'>
  /** To the brokers' own account. */
  readonly sys: Pick<NatsConnection, 'request' | 'requestMany'>
}

/** `now` in ms, from any fixed moment on. */
export function createLoadControl(
  { name, log }: Needs,
  { auth, sys }: LoadConnections,
  settings: LoadSettings = loadTunables,
  now: () => number = () => performance.now(),
): LoadControl {
  const { rooms, connections, devicesPerUser, rememberedSources, refusedForMs, kickAgainMs } = settings
  const policers = new Map<string, { readonly ofSources: Policer; readonly ofUsers: Policer }>(
    Object.entries(rooms).map(([room, limits]) => [
      room,
      {
        ofSources: createPolicer(limits, rememberedSources),
        ofUsers: createPolicer(scaled(limits, devicesPerUser), rememberedSources),
      },
    ]),
  )
  const arriving: Traffic = { messages: connections, bytes: { burst: 1, perSecond: 1 } }
  const arrivals = createPolicer({ admitted: arriving, tolerated: arriving, largestBytes: 0 }, rememberedSources)
  /** By source key; `kickedAtMs` is when this tracker closed its connections last. */
  const refused = new RecentMap<string, { readonly untilMs: number; kickedAtMs: number }>(rememberedSources)

  const refusalOf = (key: string) => {
    const found = refused.get(key)
    return found && found.untilMs > now() ? found : undefined
  }
  const kick = (source: MessageSource) => {
    kickConnections(sys, source).catch(err =>
      log.warn({ err, source }, 'the brokers did not close a flooding source’s connections'),
    )
  }
  const cutOff = (room: Room | 'unheard', source: MessageSource) => {
    const { connection, origin } = source
    log.warn({ room, connection, origin, forMs: refusedForMs }, 'a source floods and is cut off')
    refused.set(sourceKey(source), { untilMs: now() + refusedForMs, kickedAtMs: now() })
    const message: CutOffMessage = { by: name, source: { connection, origin }, forMs: refusedForMs }
    auth.publish(cutOffSubject, JSON.stringify(message))
    kick(source)
  }
  const receive = (message: Pick<Msg, 'data'>) => {
    const said = readJson(message.data, cutOffMessageSchema)
    if (!said || said.by === name) return
    refused.set(sourceKey(said.source), { untilMs: now() + said.forMs, kickedAtMs: now() })
  }
  const subscription = auth.subscribe(cutOffSubject, {
    callback: (error, message) => {
      if (!error) receive(message)
    },
  })
  const policersOf = (room: Room) => policers.get(room)!

  return {
    admits(room, source, bytes) {
      const key = sourceKey(source)
      const refusal = refusalOf(key)
      if (refusal) {
        // It connected before every tracker knew, or a broker missed the kick.
        if (now() - refusal.kickedAtMs > kickAgainMs) {
          refusal.kickedAtMs = now()
          kick(source)
        }
        return false
      }
      const { ofSources, ofUsers } = policersOf(room)
      const own = ofSources.judge(key, bytes, now())
      const verdict = own === 'admit' && source.user !== undefined ? ofUsers.judge(source.user, bytes, now()) : own
      if (verdict === 'cut-off') cutOff(room, source)
      return verdict === 'admit'
    },
    mayAnswer(room, source) {
      if (refusalOf(sourceKey(source))) return false
      const { ofSources, ofUsers } = policersOf(room)
      if (ofSources.isOverdrawn(sourceKey(source), now())) return false
      return source.user === undefined || !ofUsers.isOverdrawn(source.user, now())
    },
    cutOff,
    charge(room, source, bytes) {
      const { ofSources, ofUsers } = policersOf(room)
      ofSources.charge(sourceKey(source), bytes, now())
      if (source.user !== undefined) ofUsers.charge(source.user, bytes, now())
    },
    admitsConnection: from => arrivals.judge(from, 0, now()) === 'admit',
    isRefused: source => refusalOf(sourceKey(source)) !== undefined,
    close() {
      if (!auth.isClosed()) subscription.unsubscribe()
    },
  }
}
