// Whether this device is logged in, and what runs while it is: the root of the agent. While `online`, five children work
// side by side and each is restarted by itself when it fails: the line (beats, notices, the brokers' coming and going),
// the serving desk, the keeper of shares, the downloads, and the API for the command line. Being without trackers, or
// without a broker, ends none of this; only logging out does, here or (revoked) from another device.

import { assign, type CallbackActorLogic, type EventObject, fromPromise, sendTo, setup } from 'xstate'
import { agent as tunables } from '../../config/tunables.ts'
import type { Notice } from '../wire/tracker-api.ts'
import { downloadQueueMachine } from './download-queue.ts'
import type { ServingDeskCommand } from './swarm-protocol.ts'

export type AgentEvent =
  /** The device's folder holds a log-in that has not been let go of. */
  | { readonly type: 'session.found' }
  /** The log-in is not the one we are connected with any more: gone, or another's. */
  | { readonly type: 'session.replaced' }
  /** Trackers are there and do not know this device's credential any more. */
  | { readonly type: 'session.revoked' }
  | { readonly type: 'agent.logout' }
  | { readonly type: 'agent.stop' }
  | { readonly type: 'notice.received'; readonly notice: Notice }
  /** The brokers were away and are back: notices may have been missed. */
  | { readonly type: 'line.back' }
  /** A notice said so, or the trackers after a time without a broker. */
  | { readonly type: 'access.withdrawn'; readonly user: string; readonly group: string }
  /** A share whose file the serving desk could not read. */
  | { readonly type: 'offer.failed'; readonly share: string; readonly error: Error }

export type KeeperEvent = Extract<AgentEvent, { type: 'notice.received' | 'offer.failed' | 'line.back' }>

/** How an attempt to connect, or to open the session, came out. */
export type Attempt = 'done' | 'failed' | 'revoked'

interface AgentContext {
  /** Attempts in vain since the last success. */
  readonly failures: number
  readonly isStopping: boolean
}

const notProvided = fromPromise<Attempt>(async () => {
  throw new Error('bug: an agent without its actors')
})

export const agentSessionMachine = setup({
  types: {
    context: {} as AgentContext,
    events: {} as AgentEvent,
    children: {} as { line: 'line'; servingDesk: 'servingDesk'; keeper: 'keeper'; downloads: 'downloads'; api: 'api' },
  },
  actors: {
    /** Says `session.found` and `session.replaced`. */
    sessionWatch: {} as CallbackActorLogic<EventObject>,
    connect: notProvided,
    open: notProvided,
    /** Says goodbye to trackers and closes the connection. */
    leave: notProvided,
    line: {} as CallbackActorLogic<EventObject>,
    servingDesk: {} as CallbackActorLogic<ServingDeskCommand>,
    keeper: {} as CallbackActorLogic<KeeperEvent>,
    downloads: downloadQueueMachine,
    api: {} as CallbackActorLogic<EventObject>,
  },
  delays: {
    retry: ({ context }) => Math.min(tunables.retryFirstMs * 2 ** (context.failures - 1), tunables.retryMostMs),
    restart: tunables.restartChildMs,
    leaveAtLast: tunables.leaveWithinMs,
  },
  guards: {
    isDone: (_, { attempt }: { attempt: Attempt }) => attempt === 'done',
    isRevoked: (_, { attempt }: { attempt: Attempt }) => attempt === 'revoked',
    isStopping: ({ context }) => context.isStopping,
  },
  actions: {
    /** A child, or an attempt, broke: it goes to the log. Provided by the actor. */
    reportFailure: (_, _failed: { child: string; error: unknown }) => {},
    /** The log-in of this device is void: its folder forgets it. Provided by the actor. */
    forgetSession: () => {},
    /** Puts everything on offer at a serving desk that has just started. Provided by the actor. */
    offerEverything: () => {},
    // A child that is being restarted hears nothing, and asks for what it missed when it starts.
    tellDesk: ({ system }, command: ServingDeskCommand) => system.get('servingDesk')?.send(command),
    tellKeeper: ({ system }, event: KeeperEvent) => system.get('keeper')?.send(event),
    /** Which downloads look again for peers: of one share; of all, when membership or a connection changed. */
    tellDownloads: ({ system }, change: { share?: string | undefined }) =>
      system.get('downloads')?.send({ type: 'swarm.changed', ...change }),
    countFailure: assign({ failures: ({ context }) => context.failures + 1 }),
    clearFailures: assign({ failures: 0 }),
    markStopping: assign({ isStopping: true }),
  },
}).createMachine({
  id: 'agent',
  context: { failures: 0, isStopping: false },
  invoke: {
    src: 'sessionWatch',
    onError: {
      actions: { type: 'reportFailure', params: ({ event }) => ({ child: 'sessionWatch', error: event.error }) },
    },
  },
  on: { 'agent.stop': { target: '.leaving', actions: 'markStopping' } },
  initial: 'loggedOut',
  states: {
    loggedOut: {
      entry: 'clearFailures',
      on: { 'session.found': 'connecting', 'agent.stop': 'stopped' },
    },

    connecting: {
      initial: 'attempting',
      on: { 'session.replaced': 'leaving' },
      states: {
        attempting: {
          invoke: {
            src: 'connect',
            onDone: [
              {
                guard: { type: 'isDone', params: ({ event }) => ({ attempt: event.output }) },
                target: '#agent.opening',
              },
              {
                guard: { type: 'isRevoked', params: ({ event }) => ({ attempt: event.output }) },
                target: '#agent.leaving',
                actions: 'forgetSession',
              },
              { target: 'waiting', actions: 'countFailure' },
            ],
            onError: {
              target: 'waiting',
              actions: [
                'countFailure',
                { type: 'reportFailure', params: ({ event }) => ({ child: 'connect', error: event.error }) },
              ],
            },
          },
        },
        waiting: { after: { retry: 'attempting' } },
      },
    },

    /** Connected: what the log says this device shares, and the key of its tickets. */
    opening: {
      initial: 'attempting',
      on: { 'session.replaced': 'leaving', 'session.revoked': { target: 'leaving', actions: 'forgetSession' } },
      states: {
        attempting: {
          invoke: {
            src: 'open',
            onDone: [
              {
                guard: { type: 'isDone', params: ({ event }) => ({ attempt: event.output }) },
                target: '#agent.online',
                actions: 'clearFailures',
              },
              { target: 'waiting', actions: 'countFailure' },
            ],
            onError: {
              target: 'waiting',
              actions: [
                'countFailure',
                { type: 'reportFailure', params: ({ event }) => ({ child: 'open', error: event.error }) },
              ],
            },
          },
        },
        waiting: { after: { retry: 'attempting' } },
      },
    },

    online: {
      type: 'parallel',
      on: {
        'session.replaced': '.downloads.working.suspending',
        'session.revoked': { target: '.downloads.working.suspending', actions: 'forgetSession' },
        'agent.logout': '.downloads.working.suspending',
        'agent.stop': { target: '.downloads.working.suspending', actions: 'markStopping' },
        'notice.received': {
          actions: [
            { type: 'tellKeeper', params: ({ event }) => event },
            {
              type: 'tellDownloads',
              params: ({ event: { notice } }) => ('share' in notice ? { share: notice.share } : {}),
            },
          ],
        },
        'access.withdrawn': {
          actions: {
            type: 'tellDesk',
            params: ({ event: { user, group } }) => ({ type: 'access.revoked' as const, user, group }),
          },
        },
        'line.back': {
          actions: [
            { type: 'tellKeeper', params: ({ event }) => event },
            { type: 'tellDownloads', params: {} },
          ],
        },
        'offer.failed': { actions: { type: 'tellKeeper', params: ({ event }) => event } },
      },
      states: {
        line: {
          initial: 'working',
          states: {
            working: {
              invoke: {
                id: 'line',
                src: 'line',
                onError: {
                  target: 'failing',
                  actions: { type: 'reportFailure', params: ({ event }) => ({ child: 'line', error: event.error }) },
                },
              },
            },
            failing: { after: { restart: 'working' } },
          },
        },
        desk: {
          initial: 'working',
          states: {
            working: {
              entry: 'offerEverything',
              invoke: {
                id: 'servingDesk',
                systemId: 'servingDesk',
                src: 'servingDesk',
                onError: {
                  target: 'failing',
                  actions: {
                    type: 'reportFailure',
                    params: ({ event }) => ({ child: 'servingDesk', error: event.error }),
                  },
                },
              },
            },
            failing: { after: { restart: 'working' } },
          },
        },
        sharing: {
          initial: 'working',
          states: {
            working: {
              invoke: {
                id: 'keeper',
                systemId: 'keeper',
                src: 'keeper',
                onError: {
                  target: 'failing',
                  actions: { type: 'reportFailure', params: ({ event }) => ({ child: 'keeper', error: event.error }) },
                },
              },
            },
            failing: { after: { restart: 'working' } },
          },
        },
        api: {
          initial: 'working',
          states: {
            working: {
              invoke: {
                id: 'api',
                src: 'api',
                onError: {
                  target: 'failing',
                  actions: { type: 'reportFailure', params: ({ event }) => ({ child: 'api', error: event.error }) },
                },
              },
            },
            failing: { after: { restart: 'working' } },
          },
        },
        downloads: {
          initial: 'working',
          states: {
            working: {
              initial: 'serving',
              invoke: {
                id: 'downloads',
                systemId: 'downloads',
                src: 'downloads',
                onDone: '#agent.leaving',
                onError: {
                  target: 'failing',
                  actions: {
                    type: 'reportFailure',
                    params: ({ event }) => ({ child: 'downloads', error: event.error }),
                  },
                },
              },
              states: {
                serving: {},
                /** On the way out: each run finishes what it is writing and closes its part file. */
                suspending: {
                  entry: sendTo('downloads', { type: 'queue.suspend' }),
                  after: { leaveAtLast: '#agent.leaving' },
                },
              },
            },
            failing: { after: { restart: 'working' } },
          },
        },
      },
    },

    /** Nothing of the session runs any more: trackers hear goodbye, the connection is closed. */
    leaving: {
      invoke: {
        src: 'leave',
        onDone: 'left',
        onError: {
          target: 'left',
          actions: { type: 'reportFailure', params: ({ event }) => ({ child: 'leave', error: event.error }) },
        },
      },
      on: { 'agent.stop': { actions: 'markStopping' } },
      after: { leaveAtLast: 'left' },
    },
    left: { always: [{ guard: 'isStopping', target: 'stopped' }, { target: 'loggedOut' }] },
    stopped: { type: 'final' },
  },
})
