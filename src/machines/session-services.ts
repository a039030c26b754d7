// What runs while a device is logged in: five children side by side, each started again by itself when it fails. The
// line (beats, notices, the brokers' coming and going), the serving desk, the keeper of shares, the downloads, and the
// API for the command line. It hands on what they say to each other. Told to close, it serves nobody any more at once,
// and ends once the downloads have come to rest.

import { assign, type CallbackActorLogic, type EventObject, raise, sendTo, setup } from 'xstate'
import { agentTunables } from '../../config/agent.ts'
import { ticketTunables } from '../../config/swarm.ts'
import type { Refusal } from '../domain/refusal.ts'
import { type Revocation, type Revocations, withRevocation } from '../domain/revocation.ts'
import type { Notice } from '../wire/notice.ts'
import { downloadQueueMachine } from './download-queue.ts'
import type { UploadsCommand, UploadsEvent } from './swarm-protocol.ts'
import { uploadsMachine } from './uploads.ts'
import type { Listening } from './uploads-protocol.ts'

export type SessionServicesEvent =
  | UploadsEvent
  | { readonly type: 'notice.received'; readonly notice: Notice }
  /** Serve nothing to whom that concerns. */
  | { readonly type: 'access.withdrawn'; readonly withdrawal: Revocation }
  /** Perhaps, for the brokers were away; or the trackers tell of something that no notice told. */
  | { readonly type: 'notices.missed' }
  /** Trackers are there and do not know this device's credential any more. */
  | { readonly type: 'session.revoked' }
  | { readonly type: 'services.close' }
  /** Of its own: it is closing. */
  | { readonly type: 'serving.end' }

export type ShareRegistryEvent = Extract<
  SessionServicesEvent,
  { type: 'notice.received' | 'offer.failed' | 'notices.missed' }
>
/** Peers can reach this device; one of them has come. */
export type HeartbeatCommand = { readonly type: 'uploads.opened' | 'peer.admitted' | 'fetching.began' }

export interface SessionServicesOutput {
  readonly isRevoked: boolean
}

interface SessionServicesContext {
  /** Kept over a restart of the desk: peers know the port. */
  readonly listen: Listening
  /** Kept over a restart of the desk, too: nobody tells of them again. */
  readonly revocations: Revocations
  readonly isRevoked: boolean
}

export const sessionServicesMachine = setup({
  types: {
    context: {} as SessionServicesContext,
    input: {} as { listen: Listening },
    events: {} as SessionServicesEvent,
    output: {} as SessionServicesOutput,
    children: {} as {
      heartbeat: 'heartbeat'
      uploads: 'uploads'
      shareRegistry: 'shareRegistry'
      downloads: 'downloads'
      api: 'api'
    },
  },
  actors: {
    heartbeat: {} as CallbackActorLogic<HeartbeatCommand>,
    uploads: uploadsMachine,
    shareRegistry: {} as CallbackActorLogic<ShareRegistryEvent>,
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
    tellHeartbeat: ({ system }, event: HeartbeatCommand) => system.get('heartbeat')?.send(event),
    tellUploads: ({ system }, command: UploadsCommand) => system.get('uploads')?.send(command),
    tellShareRegistry: ({ system }, event: ShareRegistryEvent) => system.get('shareRegistry')?.send(event),
    /** Which downloads look again for peers: those of one share; all, when membership or a connection changed. */
    tellDownloads: ({ system }, change: { share?: string }) =>
      system.get('downloads')?.send({ type: 'swarm.changed', ...change }),
    /** Whoever fetches a share from here may have some of it to give. */
    tellOfGuest: ({ system }, guest: { share: string; peer: string }) =>
      system.get('downloads')?.send({ type: 'peer.admitted', ...guest }),
    keepWithdrawal: assign({
      revocations: ({ context }, { withdrawal }: { withdrawal: Revocation }) =>
        withRevocation(context.revocations, withdrawal, Date.now(), ticketTunables.rememberRevokedMs),
    }),
    keepListening: assign({ listen: (_, { host, port }: Listening) => ({ host, port }) }),
    markRevoked: assign({ isRevoked: true }),
  },
}).createMachine({
  id: 'services',
  context: ({ input }) => ({ listen: input.listen, revocations: new Map(), isRevoked: false }),
  initial: 'open',
  on: {
    'notice.received': {
      actions: [
        { type: 'tellShareRegistry', params: ({ event }) => event },
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
          type: 'tellUploads',
          params: ({ event: { withdrawal } }) => ({ type: 'access.revoked' as const, withdrawal }),
        },
      ],
    },
    'notices.missed': {
      actions: [
        { type: 'tellShareRegistry', params: ({ event }) => event },
        { type: 'tellDownloads', params: {} },
      ],
    },
    'uploads.opened': {
      actions: [
        { type: 'keepListening', params: ({ event }) => event },
        { type: 'noteListening', params: { failure: undefined } },
        'limitLinks',
        'offerEverything',
        { type: 'tellHeartbeat', params: { type: 'uploads.opened' } },
      ],
    },
    'uploads.failed': {
      actions: [
        { type: 'noteListening', params: ({ event }) => ({ failure: event.refusal }) },
        { type: 'reportFailure', params: ({ event }) => ({ child: 'uploads', error: event.refusal }) },
      ],
    },
    'peer.admitted': {
      actions: [
        { type: 'tellHeartbeat', params: { type: 'peer.admitted' } },
        { type: 'tellOfGuest', params: ({ event: { share, peer } }) => ({ share, peer }) },
      ],
    },
    'offer.failed': { actions: { type: 'tellShareRegistry', params: ({ event }) => event } },
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
                id: 'heartbeat',
                systemId: 'heartbeat',
                src: 'heartbeat',
                onError: {
                  target: 'failing',
                  actions: {
                    type: 'reportFailure',
                    params: ({ event }) => ({ child: 'heartbeat', error: event.error }),
                  },
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
                id: 'uploads',
                systemId: 'uploads',
                src: 'uploads',
                input: ({ context: { listen, revocations }, self }) => ({ listen, revocations, parent: self }),
                onDone: 'failing',
                onError: {
                  target: 'failing',
                  actions: {
                    type: 'reportFailure',
                    params: ({ event }) => ({ child: 'uploads', error: event.error }),
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
                id: 'shareRegistry',
                systemId: 'shareRegistry',
                src: 'shareRegistry',
                onError: {
                  target: 'failing',
                  actions: {
                    type: 'reportFailure',
                    params: ({ event }) => ({ child: 'shareRegistry', error: event.error }),
                  },
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
                onDone: '#services.closed',
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
                    'services.close': 'suspending',
                    'session.revoked': { target: 'suspending', actions: 'markRevoked' },
                  },
                },
                /** Each run finishes what it is writing and closes its part file. */
                suspending: {
                  entry: [raise({ type: 'serving.end' }), sendTo('downloads', { type: 'queue.suspend' })],
                  after: { closeAtLast: '#services.closed' },
                  on: { 'session.revoked': { actions: 'markRevoked' } },
                },
              },
            },
            failing: {
              after: { restart: 'working' },
              on: {
                'services.close': '#services.closed',
                'session.revoked': { target: '#services.closed', actions: 'markRevoked' },
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
