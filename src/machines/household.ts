// What runs while a device is logged in: five children side by side, each started again by itself when it fails. The
// line (beats, notices, the brokers' coming and going), the serving desk, the keeper of shares, the downloads, and the
// API for the command line. It hands on what they say to each other. Told to close, it serves nobody any more at once,
// and ends once the downloads have come to rest.

import { assign, type CallbackActorLogic, type EventObject, raise, sendTo, setup } from 'xstate'
import { agentTunables } from '../../config/agent.ts'
import { ticketTunables } from '../../config/swarm.ts'
import type { Refusal } from '../domain/refusal.ts'
import { type Withdrawal, type Withdrawals, withWithdrawal } from '../domain/withdrawal.ts'
import type { Notice } from '../wire/tracker-api.ts'
import { downloadQueueMachine } from './download-queue.ts'
import { servingDeskMachine } from './serving-desk.ts'
import type { Listening } from './serving-protocol.ts'
import type { ServingDeskCommand, ServingDeskEvent } from './swarm-protocol.ts'

export type HouseholdEvent =
  | ServingDeskEvent
  | { readonly type: 'notice.received'; readonly notice: Notice }
  /** Serve nothing to whom that concerns. */
  | { readonly type: 'access.withdrawn'; readonly withdrawal: Withdrawal }
  /** Perhaps, for the brokers were away; or the trackers tell of something that no notice told. */
  | { readonly type: 'notices.missed' }
  /** Trackers are there and do not know this device's credential any more. */
  | { readonly type: 'session.revoked' }
  | { readonly type: 'household.close' }
  /** Of its own: it is closing. */
  | { readonly type: 'serving.end' }

export type KeeperEvent = Extract<HouseholdEvent, { type: 'notice.received' | 'offer.failed' | 'notices.missed' }>
/** Peers can reach this device; one of them has come. */
export type LineEvent = { readonly type: 'desk.opened' | 'guest.served' | 'fetching.began' }

export interface HouseholdOutput {
  readonly isRevoked: boolean
}

interface HouseholdContext {
  /** Kept over a restart of the desk: peers know the port. */
  readonly listen: Listening
  /** Kept over a restart of the desk, too: nobody tells of them again. */
  readonly withdrawals: Withdrawals
  readonly isRevoked: boolean
}

export const householdMachine = setup({
  types: {
    context: {} as HouseholdContext,
    input: {} as { listen: Listening },
    events: {} as HouseholdEvent,
    output: {} as HouseholdOutput,
    children: {} as {
      line: 'line'
      servingDesk: 'servingDesk'
      keeper: 'keeper'
      downloads: 'downloads'
      api: 'api'
    },
  },
  actors: {
    line: {} as CallbackActorLogic<LineEvent>,
    servingDesk: servingDeskMachine,
    keeper: {} as CallbackActorLogic<KeeperEvent>,
    downloads: downloadQueueMachine,
    api: {} as CallbackActorLogic<EventObject>,
  },
  delays: { restart: agentTunables.restartChildMs, closeAtLast: agentTunables.leaveWithinMs },
  actions: {
    /** Something broke: it goes to the log. Provided by the actor. */
    reportFailure: (_, _failed: { child: string; error: unknown }) => {},
    /** Why the desk cannot listen; undefined once it does. Provided by the actor. */
    noteListening: (_, _desk: { failure: Refusal | undefined }) => {},
    /** Puts everything on offer at a desk that has just started. Provided by the actor. */
    offerEverything: () => {},
    /** Tells a desk that has just started how many peers it may serve at once. Provided by the actor. */
    limitLinks: () => {},
    // A child that is being started again hears nothing, and asks for what it missed when it starts.
    tellLine: ({ system }, event: LineEvent) => system.get('line')?.send(event),
    tellDesk: ({ system }, command: ServingDeskCommand) => system.get('servingDesk')?.send(command),
    tellKeeper: ({ system }, event: KeeperEvent) => system.get('keeper')?.send(event),
    /** Which downloads look again for peers: those of one share; all, when membership or a connection changed. */
    tellDownloads: ({ system }, change: { share?: string }) =>
      system.get('downloads')?.send({ type: 'swarm.changed', ...change }),
    /** Whoever fetches a share from here may have some of it to give. */
    tellOfGuest: ({ system }, guest: { share: string; peer: string }) =>
      system.get('downloads')?.send({ type: 'peer.met', ...guest }),
    keepWithdrawal: assign({
      withdrawals: ({ context }, { withdrawal }: { withdrawal: Withdrawal }) =>
        withWithdrawal(context.withdrawals, withdrawal, Date.now(), ticketTunables.rememberWithdrawnMs),
    }),
    keepListening: assign({ listen: (_, { host, port }: Listening) => ({ host, port }) }),
    markRevoked: assign({ isRevoked: true }),
  },
}).createMachine({
  id: 'household',
  context: ({ input }) => ({ listen: input.listen, withdrawals: new Map(), isRevoked: false }),
  initial: 'open',
  on: {
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
      actions: [
        { type: 'keepWithdrawal', params: ({ event }) => event },
        {
          type: 'tellDesk',
          params: ({ event: { withdrawal } }) => ({ type: 'access.revoked' as const, withdrawal }),
        },
      ],
    },
    'notices.missed': {
      actions: [
        { type: 'tellKeeper', params: ({ event }) => event },
        { type: 'tellDownloads', params: {} },
      ],
    },
    'desk.opened': {
      actions: [
        { type: 'keepListening', params: ({ event }) => event },
        { type: 'noteListening', params: { failure: undefined } },
        'limitLinks',
        'offerEverything',
        { type: 'tellLine', params: { type: 'desk.opened' } },
      ],
    },
    'desk.failed': {
      actions: [
        { type: 'noteListening', params: ({ event }) => ({ failure: event.refusal }) },
        { type: 'reportFailure', params: ({ event }) => ({ child: 'servingDesk', error: event.refusal }) },
      ],
    },
    'guest.served': {
      actions: [
        { type: 'tellLine', params: { type: 'guest.served' } },
        { type: 'tellOfGuest', params: ({ event: { share, peer } }) => ({ share, peer }) },
      ],
    },
    'offer.failed': { actions: { type: 'tellKeeper', params: ({ event }) => event } },
  },
  states: {
    open: {
      type: 'parallel',
      states: {
        beating: {
          initial: 'working',
          states: {
            working: {
              invoke: {
                id: 'line',
                systemId: 'line',
                src: 'line',
                onError: {
                  target: 'failing',
                  actions: { type: 'reportFailure', params: ({ event }) => ({ child: 'line', error: event.error }) },
                },
              },
            },
            failing: { after: { restart: { target: 'working', actions: raise({ type: 'notices.missed' }) } } },
          },
        },
        serving: {
          initial: 'working',
          states: {
            working: {
              invoke: {
                id: 'servingDesk',
                systemId: 'servingDesk',
                src: 'servingDesk',
                input: ({ context: { listen, withdrawals }, self }) => ({ listen, withdrawals, parent: self }),
                onDone: 'failing',
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
            /** Nobody is served by a device that is being logged out, however long its downloads take to rest. */
            ended: {},
          },
          on: { 'serving.end': '.ended' },
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
        answering: {
          initial: 'working',
          states: {
            working: {
              invoke: {
                id: 'api',
                systemId: 'api',
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
        fetching: {
          initial: 'working',
          states: {
            working: {
              initial: 'open',
              invoke: {
                id: 'downloads',
                systemId: 'downloads',
                src: 'downloads',
                onDone: '#household.closed',
                onError: {
                  target: 'failing',
                  actions: {
                    type: 'reportFailure',
                    params: ({ event }) => ({ child: 'downloads', error: event.error }),
                  },
                },
              },
              states: {
                // Closing is heard here and not above: from there it would start all five anew on its way.
                open: {
                  on: {
                    'household.close': 'suspending',
                    'session.revoked': { target: 'suspending', actions: 'markRevoked' },
                  },
                },
                /** Each run finishes what it is writing and closes its part file. */
                suspending: {
                  entry: [raise({ type: 'serving.end' }), sendTo('downloads', { type: 'queue.suspend' })],
                  after: { closeAtLast: '#household.closed' },
                  on: { 'session.revoked': { actions: 'markRevoked' } },
                },
              },
            },
            failing: {
              after: { restart: 'working' },
              on: {
                'household.close': '#household.closed',
                'session.revoked': { target: '#household.closed', actions: 'markRevoked' },
              },
            },
          },
        },
      },
    },
    closed: { type: 'final' },
  },
  output: ({ context }) => ({ isRevoked: context.isRevoked }),
})
