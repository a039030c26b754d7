// Whether this device is logged in: the root of the agent. It waits for a login in the device's folder, connects with it,
// learns what this device shares, and runs the services (session-services.ts) until the user logs out, here or from
// another device, or the agent stops. Trackers or brokers that are away end none of this. The command API runs beside it
// from the agent's start to its stop, so that a person can ask about this device whether or not it is connected.

import {
  assign,
  type CallbackActorLogic,
  type EventObject,
  enqueueActions,
  fromPromise,
  sendTo,
  setup,
  spawnChild,
  stopChild,
} from 'xstate'
import { agentTunables } from '../../config/agent.ts'
import { backOffMs } from '../domain/back-off.ts'
import type { SessionServicesOutput, sessionServicesMachine } from './session-services.ts'
import type { Listening } from './uploads-protocol.ts'

export type AgentEvent =
  /** The device's folder holds a login. Sent repeatedly. */
  | { readonly type: 'session.found' }
  /** The login in the folder is no longer the one in use: it is gone, or another. */
  | { readonly type: 'session.replaced' }
  | { readonly type: 'agent.logout' }
  | { readonly type: 'agent.stop' }

/** How an attempt to connect ended. `revoked`: trackers answer, and no longer know this credential. */
export type Connected = 'connected' | 'away' | 'revoked'
/** What runs during a login, with its actors provided; undefined when the trackers did not answer. */
export type Opened =
  | typeof sessionServicesMachine
  | undefined
  /** The account is disabled, and the connection closed: it was let in to hear just that. */
  | 'disabled'

interface AgentContext {
  /** Where peers connect; port 0 is any free one. */
  readonly listen: Listening
  /** Failed attempts since the last success. */
  readonly failures: number
  readonly services: typeof sessionServicesMachine | undefined
  readonly isStopping: boolean
  /** This device's login is over, so its folder forgets it. */
  readonly isOver: boolean
}

type SessionServicesEnded =
  | { readonly type: 'xstate.done.actor.services'; readonly output: SessionServicesOutput; readonly actorId: string }
  | { readonly type: 'xstate.error.actor.services'; readonly error: unknown; readonly actorId: string }

const unprovided = async () => {
  throw new Error('bug: an agent without its actors')
}

/** A child that runs from the agent's start to its stop. */
const besideTheLogin = <const Child extends string>(child: Child) =>
  ({
    src: child,
    id: child,
    onError: {
      actions: {
        type: 'reportFailure',
        params: ({ event }: { readonly event: { readonly error: unknown } }) => ({ child, error: event.error }),
      },
    },
  }) as const

export const agentSessionMachine = setup({
  types: {
    context: {} as AgentContext,
    input: {} as { listen: Listening },
    events: {} as AgentEvent | SessionServicesEnded,
  },
  actors: {
    /** Says `session.found` and `session.replaced`. */
    sessionWatch: {} as CallbackActorLogic<EventObject>,
    /** Answers this device's command line. */
    api: {} as CallbackActorLogic<EventObject>,
    /** Tells the trackers of log-ins that ended while they were out of reach. */
    logoutTeller: {} as CallbackActorLogic<EventObject>,
    connect: fromPromise<Connected>(unprovided),
    open: fromPromise<Opened>(unprovided),
    /** Says goodbye to the trackers and closes the connection, if there is one. `forget`: the login is over. */
    leave: fromPromise<void, { forget: boolean }>(unprovided),
  },
  delays: {
    retry: ({ context }) => backOffMs(agentTunables.retry, context.failures),
    leaveAtLast: agentTunables.leaveWithinMs,
  },
  guards: {
    isConnected: (_, { connected }: { connected: Connected }) => connected === 'connected',
    isRevoked: (_, { connected }: { connected: Connected }) => connected === 'revoked',
    isOpened: (_, { opened }: { opened: Opened }) => opened !== undefined && opened !== 'disabled',
    isDisabled: (_, { opened }: { opened: Opened }) => opened === 'disabled',
    isStopping: ({ context }) => context.isStopping,
  },
  actions: {
    /** Logs what broke. Provided by the actor. */
    reportFailure: (_, _failed: { child: string; error: unknown }) => {},
    countFailure: assign({ failures: ({ context }) => context.failures + 1 }),
    keepServices: assign({
      services: (_, { opened }: { opened: Opened }) => (opened === 'disabled' ? undefined : opened),
      failures: 0,
    }),
    /** The logic was made for this login and its connection, so `setup` has no name for it. */
    startServices: enqueueActions(({ context: { services, listen }, enqueue }) => {
      if (!services) throw new Error('bug: online without services')
      enqueue(spawnChild(services as never, { id: 'services', input: { listen } } as never) as never)
    }),
    closeServices: sendTo('services', { type: 'services.close' }),
    markStopping: assign({ isStopping: true }),
    markOver: assign({ isOver: true }),
    startAnew: assign({ failures: 0, services: undefined, isOver: false }),
  },
}).createMachine({
  id: 'agent',
  context: ({ input }) => ({ ...input, failures: 0, services: undefined, isStopping: false, isOver: false }),
  // They recover from failures by themselves, and never end.
  invoke: [besideTheLogin('sessionWatch'), besideTheLogin('api'), besideTheLogin('logoutTeller')],
  on: {
    'agent.stop': { target: '.leaving', actions: 'markStopping' },
    'agent.logout': { target: '.leaving', actions: 'markOver' },
  },
  initial: 'loggedOut',
  states: {
    loggedOut: {
      entry: 'startAnew',
      on: { 'session.found': 'connecting', 'agent.stop': 'stopped', 'agent.logout': {} },
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
                guard: { type: 'isConnected', params: ({ event }) => ({ connected: event.output }) },
                target: '#agent.opening',
              },
              {
                guard: { type: 'isRevoked', params: ({ event }) => ({ connected: event.output }) },
                target: '#agent.leaving',
                actions: 'markOver',
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

    /** Connected: asking what the log says this device shares, and for the key of its tickets. */
    opening: {
      initial: 'attempting',
      on: { 'session.replaced': 'leaving' },
      states: {
        attempting: {
          invoke: {
            src: 'open',
            onDone: [
              {
                guard: { type: 'isOpened', params: ({ event }) => ({ opened: event.output }) },
                target: '#agent.online',
                actions: { type: 'keepServices', params: ({ event }) => ({ opened: event.output }) },
              },
              {
                guard: { type: 'isDisabled', params: ({ event }) => ({ opened: event.output }) },
                target: '#agent.connecting.waiting',
                actions: 'countFailure',
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

    /** Until the services have closed: they suspend the downloads first. */
    online: {
      entry: 'startServices',
      exit: stopChild('services'),
      on: {
        'session.replaced': { actions: 'closeServices' },
        'agent.logout': { actions: ['markOver', 'closeServices'] },
        'agent.stop': { actions: ['markStopping', 'closeServices'] },
        'xstate.done.actor.services': [
          { guard: ({ event }) => event.output.isRevoked, target: 'leaving', actions: 'markOver' },
          { target: 'leaving' },
        ],
        'xstate.error.actor.services': {
          target: 'leaving',
          actions: { type: 'reportFailure', params: ({ event }) => ({ child: 'services', error: event.error }) },
        },
      },
    },

    leaving: {
      invoke: {
        src: 'leave',
        input: ({ context }) => ({ forget: context.isOver }),
        onDone: 'left',
        onError: {
          target: 'left',
          actions: { type: 'reportFailure', params: ({ event }) => ({ child: 'leave', error: event.error }) },
        },
      },
      on: { 'agent.stop': { actions: 'markStopping' }, 'agent.logout': {} },
      after: { leaveAtLast: 'left' },
    },
    left: { always: [{ guard: 'isStopping', target: 'stopped' }, { target: 'loggedOut' }] },
    stopped: { type: 'final' },
  },
})
