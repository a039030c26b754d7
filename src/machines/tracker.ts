// A tracker's life: connect, prepare the log and the projection, catch up, serve, stop. It supervises the tracker's
// actors: whatever fails is started again with back-off; a follower that fails takes the tracker back to preparing,
// because then the log or the projection is not what it was. No failure ends a tracker; only `tracker.stop` does.

import { assign, fromCallback, fromPromise, setup } from 'xstate'
import { trackerTunables } from '../../config/tracker.ts'
import type { LogEntry } from '../wire/log-entry.ts'
import {
  type Failures,
  failed,
  noFailures,
  restartDelays,
  supervised,
  tellChild,
  withFailure,
  withoutFailures,
} from './supervised.ts'

const parts = ['presence', 'requestHandler', 'authenticator', 'notifier', 'housekeeper'] as const
const steps = ['connect', 'prepare', 'release', ...parts] as const
type Part = (typeof parts)[number]
/** Each fails, and is started again, without the others. */
export type TrackerStep = (typeof steps)[number]
/** A part says this once, when it cannot go on. */
export type PartFailed = { readonly type: 'part.failed'; readonly part: Part; readonly error: unknown }

export type EntriesApplied = { readonly type: 'entries.applied'; readonly entries: readonly LogEntry[] }
export type FollowerReport =
  | { readonly type: 'log.caught-up' }
  /** The brokers have no majority: a tracker that starts now answers from what it applied before. */
  | { readonly type: 'log.out-of-reach' }
  /** Only after catching up: old entries are no news. */
  | EntriesApplied
  | { readonly type: 'follower.failed'; readonly error: unknown }

export type TrackerEvent =
  | FollowerReport
  | PartFailed
  | { readonly type: 'connections.lost'; readonly error: unknown }
  | { readonly type: 'tracker.stop' }

interface TrackerContext {
  readonly failures: Failures<TrackerStep>
}

const unprovided = (what: string) => () => {
  throw new Error(`bug: no ${what} was provided to the tracker's machine`)
}

const lifeSetup = setup({
  types: { context: {} as TrackerContext, events: {} as TrackerEvent },
  actors: {
    /** Connects to the three accounts; lets go of earlier connections first. */
    connect: fromPromise<void>(unprovided('connect')),
    /** Says `connections.lost`. */
    connectionWatch: fromCallback(unprovided('connectionWatch')),
    /** The log is there and the projection is one of it; lets go of an earlier projection first. */
    prepare: fromPromise<void>(unprovided('prepare')),
    /** Says what FollowerReport lists. */
    logFollower: fromCallback(unprovided('logFollower')),
    presence: fromCallback(unprovided('presence')),
    requestHandler: fromCallback(unprovided('requestHandler')),
    authenticator: fromCallback(unprovided('authenticator')),
    notifier: fromCallback<EntriesApplied>(unprovided('notifier')),
    housekeeper: fromCallback<EntriesApplied>(unprovided('housekeeper')),
    /** Lets go of everything. */
    release: fromPromise<void>(unprovided('release')),
  },
  guards: {
    isOf: ({ event }, { part }: { part: Part }) => event.type === 'part.failed' && event.part === part,
  },
  actions: {
    countFailure: assign({
      failures: ({ context }, { child }: { child: TrackerStep; error: unknown }) =>
        withFailure(context.failures, child),
    }),
    forgetFailures: assign({
      failures: ({ context }, { child }: { child: TrackerStep }) => withoutFailures(context.failures, child),
    }),
    /** Into the tracker's log; provided by run-tracker.ts. */
    reportFailure: (_, _failed: { child: TrackerStep; error: unknown }) => {},
    tellNotifier: tellChild<EntriesApplied>('notifier'),
    tellHousekeeper: tellChild<EntriesApplied>('housekeeper'),
  },
  delays: { ...restartDelays(trackerTunables.restart, steps), steady: trackerTunables.steadyAfterMs },
})

/** Of a supervised part that runs: it may also fail later, by an event. */
const failsLater = (part: Part) =>
  ({
    'part.failed': { guard: { type: 'isOf', params: { part } }, target: 'restarting', actions: failed(part) },
  }) as const

const supervisedPart = <const P extends Part>(part: P) => {
  const { initial, states } = supervised(part)
  return { initial, states: { ...states, running: { ...states.running, on: failsLater(part) } } } as const
}

export const trackerMachine = lifeSetup.createMachine({
  id: 'tracker',
  context: { failures: noFailures(steps) },
  initial: 'connecting',
  on: { 'tracker.stop': '.stopping' },
  states: {
    connecting: {
      invoke: {
        src: 'connect',
        onDone: { target: 'connected', actions: { type: 'forgetFailures', params: { child: 'connect' } } },
        onError: { target: 'unconnected', actions: failed('connect') },
      },
    },
    unconnected: { after: { untilConnect: 'connecting' } },
    connected: {
      invoke: {
        src: 'connectionWatch',
        onError: { target: 'unconnected', actions: failed('connect') },
      },
      on: { 'connections.lost': { target: 'unconnected', actions: failed('connect') } },
      initial: 'preparing',
      states: {
        preparing: {
          invoke: {
            src: 'prepare',
            onDone: 'following',
            onError: { target: 'unprepared', actions: failed('prepare') },
          },
        },
        unprepared: { after: { untilPrepare: 'preparing' } },
        following: {
          invoke: {
            src: 'logFollower',
            onError: { target: 'unprepared', actions: failed('prepare') },
          },
          on: { 'follower.failed': { target: 'unprepared', actions: failed('prepare') } },
          after: { steady: { actions: { type: 'forgetFailures', params: { child: 'prepare' } } } },
          type: 'parallel',
          states: {
            presence: supervisedPart('presence'),
            service: {
              initial: 'catchingUp',
              states: {
                catchingUp: { on: { 'log.caught-up': 'serving', 'log.out-of-reach': 'serving' } },
                serving: {
                  tags: 'serving',
                  on: {
                    'entries.applied': {
                      actions: [
                        { type: 'tellNotifier', params: ({ event }) => event },
                        { type: 'tellHousekeeper', params: ({ event }) => event },
                      ],
                    },
                  },
                  type: 'parallel',
                  states: {
                    requestHandler: supervisedPart('requestHandler'),
                    authenticator: supervisedPart('authenticator'),
                    notifier: supervisedPart('notifier'),
                    housekeeper: supervisedPart('housekeeper'),
                  },
                },
              },
            },
          },
        },
      },
    },
    stopping: {
      invoke: { src: 'release', onDone: 'stopped', onError: { target: 'stopped', actions: failed('release') } },
    },
    stopped: { type: 'final' },
  },
})
