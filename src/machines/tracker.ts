// A tracker's life: connect, prepare the log and the projection, catch up, serve, stop. It supervises the tracker's
// actors: whatever fails is started again with back-off; a follower that fails takes the tracker back to preparing,
// because then the log or the projection is not what it was. No failure ends a tracker; only `tracker.stop` does.

import { assign, fromCallback, fromPromise, sendTo, setup } from 'xstate'
import { trackerTunables } from '../../config/tracker.ts'
import { backOffMs } from '../domain/back-off.ts'
import type { LogEntry } from '../wire/log-entry.ts'

/** What fails by itself and is started again by itself. */
export type TrackerStep = 'connect' | 'prepare' | 'release' | Part
type Part = 'presence' | 'requestHandler' | 'authenticator' | 'notifier'
/** A part that runs on says this once, when it cannot go on. */
export type PartFailed = { readonly type: 'part.failed'; readonly part: Part; readonly error: unknown }

export type EntriesApplied = { readonly type: 'entries.applied'; readonly entries: readonly LogEntry[] }
export type FollowerReport =
  | { readonly type: 'log.caught-up' }
  /** The brokers have no majority: a tracker that starts now answers from what it applied before. */
  | { readonly type: 'log.out-of-reach' }
  /** Only once caught up: history is news to nobody. */
  | EntriesApplied
  | { readonly type: 'follower.failed'; readonly error: unknown }

export type TrackerEvent =
  | FollowerReport
  | PartFailed
  | { readonly type: 'connections.lost'; readonly error: unknown }
  | { readonly type: 'tracker.stop' }

interface TrackerContext {
  /** In a row, without having run steadily in between. */
  readonly failures: Readonly<Record<TrackerStep, number>>
}

const unprovided = (what: string) => () => {
  throw new Error(`bug: no ${what} was provided to the tracker's machine`)
}

const restartDelayMs = (failures: number) => backOffMs(trackerTunables.restart, failures)

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
    /** Lets go of everything. */
    release: fromPromise<void>(unprovided('release')),
  },
  guards: {
    isOf: ({ event }, { part }: { part: Part }) => event.type === 'part.failed' && event.part === part,
  },
  actions: {
    countFailure: assign({
      failures: ({ context }, { step }: { step: TrackerStep; error: unknown }) => ({
        ...context.failures,
        [step]: context.failures[step] + 1,
      }),
    }),
    forgetFailures: assign({
      failures: ({ context }, { step }: { step: TrackerStep }) => ({ ...context.failures, [step]: 0 }),
    }),
    /** Into the tracker's log; provided by run-tracker.ts. */
    logFailure: (_, _params: { step: TrackerStep; error: unknown }) => {},
    forwardEntries: sendTo('notifier', ({ event }) => event),
  },
  delays: {
    untilConnect: ({ context }) => restartDelayMs(context.failures.connect),
    untilPrepare: ({ context }) => restartDelayMs(context.failures.prepare),
    untilPresence: ({ context }) => restartDelayMs(context.failures.presence),
    untilRequestHandler: ({ context }) => restartDelayMs(context.failures.requestHandler),
    untilAuthenticator: ({ context }) => restartDelayMs(context.failures.authenticator),
    untilNotifier: ({ context }) => restartDelayMs(context.failures.notifier),
    steady: trackerTunables.steadyAfterMs,
  },
})

const failed = (step: TrackerStep) => {
  const params = ({ event }: { event: { error: unknown } }) => ({ step, error: event.error })
  return [
    { type: 'countFailure', params },
    { type: 'logFailure', params },
  ] as const
}

/** A part that runs on, is started again after a failure, and is forgiven once it has run steadily. */
const supervised = (
  part: Part,
  until: 'untilPresence' | 'untilRequestHandler' | 'untilAuthenticator' | 'untilNotifier',
) =>
  lifeSetup.createStateConfig({
    initial: 'running',
    states: {
      running: {
        invoke: { src: part, id: part, onError: { target: 'restarting', actions: failed(part) } },
        after: { steady: { actions: { type: 'forgetFailures', params: { step: part } } } },
        on: {
          'part.failed': {
            guard: { type: 'isOf', params: { part } },
            target: 'restarting',
            actions: failed(part),
          },
          ...(part === 'notifier' && { 'entries.applied': { actions: 'forwardEntries' } }),
        },
      },
      restarting: { after: { [until]: 'running' } },
    },
  })

export const trackerMachine = lifeSetup.createMachine({
  id: 'tracker',
  context: {
    failures: { connect: 0, prepare: 0, release: 0, presence: 0, requestHandler: 0, authenticator: 0, notifier: 0 },
  },
  initial: 'connecting',
  on: { 'tracker.stop': '.stopping' },
  states: {
    connecting: {
      invoke: {
        src: 'connect',
        onDone: { target: 'connected', actions: { type: 'forgetFailures', params: { step: 'connect' } } },
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
          after: { steady: { actions: { type: 'forgetFailures', params: { step: 'prepare' } } } },
          type: 'parallel',
          states: {
            presence: supervised('presence', 'untilPresence'),
            service: {
              initial: 'catchingUp',
              states: {
                catchingUp: { on: { 'log.caught-up': 'serving', 'log.out-of-reach': 'serving' } },
                serving: {
                  tags: 'serving',
                  type: 'parallel',
                  states: {
                    requestHandler: supervised('requestHandler', 'untilRequestHandler'),
                    authenticator: supervised('authenticator', 'untilAuthenticator'),
                    notifier: supervised('notifier', 'untilNotifier'),
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
