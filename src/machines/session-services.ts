// What runs while a device is logged in: four children side by side, each supervised by itself (supervised.ts). They are
// the heartbeat (presence, notices, brokers coming and going), the uploads, the share registry and the downloads. This
// machine passes on what one child says and another needs. Told to close, it ends the uploads at once, and itself once the
// downloads are suspended.

import { assign, type CallbackActorLogic, raise, sendTo, setup } from 'xstate'
import { agentTunables } from '../../config/agent.ts'
import { ticketTunables } from '../../config/swarm.ts'
import type { Refusal } from '../domain/refusal.ts'
import { type Revocation, type Revocations, withRevocation } from '../domain/revocation.ts'
import type { Notice } from '../wire/notice.ts'
import { type DownloadQueueEvent, downloadQueueMachine } from './download-queue.ts'
import {
  type Failures,
  forgiving,
  invokeSupervised,
  noFailures,
  restartAfter,
  restartDelays,
  supervised,
  tellChild,
  withFailure,
  withoutFailures,
} from './supervised.ts'
import type { UploadsCommand, UploadsEvent } from './swarm-protocol.ts'
import { uploadsMachine } from './uploads.ts'
import type { Listening } from './uploads-protocol.ts'

export type SessionServicesEvent =
  | UploadsEvent
  | { readonly type: 'notice.received'; readonly notice: Notice }
  /** End every upload that the revocation concerns. */
  | { readonly type: 'access.revoked'; readonly revocation: Revocation }
  /** Notices may have been missed: the brokers were away, or the trackers report something that no notice told. */
  | { readonly type: 'notices.missed' }
  /** The trackers no longer know this device's credential. */
  | { readonly type: 'session.revoked' }
  | { readonly type: 'services.close' }
  /** Raised by this machine when it closes. */
  | { readonly type: 'uploads.end' }

export type ShareRegistryEvent = Extract<
  SessionServicesEvent,
  { type: 'notice.received' | 'offer.failed' | 'notices.missed' }
>
/** Presence has changed, or a peer has come whose access should be checked. */
export type HeartbeatCommand = { readonly type: 'uploads.opened' | 'peer.admitted' | 'fetching.began' }

export interface SessionServicesOutput {
  readonly isRevoked: boolean
}

const serviceNames = ['heartbeat', 'uploads', 'shareRegistry', 'downloads'] as const
type Service = (typeof serviceNames)[number]

interface SessionServicesContext {
  /** Kept when the uploads start again: peers know the port. */
  readonly listen: Listening
  /** Kept when the uploads start again: no one reports them a second time. */
  readonly revocations: Revocations
  readonly isRevoked: boolean
  readonly failures: Failures<Service>
}

const tellDownloads = tellChild<DownloadQueueEvent>('downloads')

export const sessionServicesMachine = setup({
  types: {
    context: {} as SessionServicesContext,
    input: {} as { listen: Listening },
    events: {} as SessionServicesEvent,
    output: {} as SessionServicesOutput,
    children: {} as { [Name in Service]: Name },
  },
  actors: {
    heartbeat: {} as CallbackActorLogic<HeartbeatCommand>,
    uploads: uploadsMachine,
    shareRegistry: {} as CallbackActorLogic<ShareRegistryEvent>,
    downloads: downloadQueueMachine,
  },
  delays: {
    ...restartDelays(agentTunables.restart, serviceNames),
    steady: agentTunables.steadyAfterMs,
    closeAtLast: agentTunables.leaveWithinMs,
  },
  actions: {
    countFailure: assign({
      failures: ({ context }, { child }: { child: Service; error: unknown }) => withFailure(context.failures, child),
    }),
    forgetFailures: assign({
      failures: ({ context }, { child }: { child: Service }) => withoutFailures(context.failures, child),
    }),
    /** Logs what broke. Provided by the actor. */
    reportFailure: (_, _failed: { child: string; error: unknown }) => {},
    /** Why peers cannot connect; undefined once they can. Provided by the actor. */
    reportListening: (_, _uploads: { failure: Refusal | undefined }) => {},
    /** Gives uploads that have just started every offer. Provided by the actor. */
    restockOffers: () => {},
    /** Tells uploads that have just started how many peers they may serve at once. Provided by the actor. */
    limitSessions: () => {},
    tellHeartbeat: tellChild<HeartbeatCommand>('heartbeat'),
    tellUploads: tellChild<UploadsCommand>('uploads'),
    tellShareRegistry: tellChild<ShareRegistryEvent>('shareRegistry'),
    /** Downloads look for peers again: those of one share; all of them when membership or a connection changed. */
    refreshDownloads: ({ self }, change: { share?: string }) =>
      tellDownloads({ self }, { type: 'swarm.changed', ...change }),
    /** A peer that fetches a share from here may have some of it to give. */
    introducePeer: ({ self }, met: { share: string; peer: string }) =>
      tellDownloads({ self }, { type: 'peer.admitted', ...met }),
    keepRevocation: assign({
      revocations: ({ context }, { revocation }: { revocation: Revocation }) =>
        withRevocation(context.revocations, revocation, Date.now(), ticketTunables.rememberRevokedMs),
    }),
    keepAddress: assign({ listen: (_, { host, port }: Listening) => ({ host, port }) }),
    markRevoked: assign({ isRevoked: true }),
  },
}).createMachine({
  id: 'services',
  context: ({ input }) => ({
    listen: input.listen,
    revocations: new Map(),
    isRevoked: false,
    failures: noFailures(serviceNames),
  }),
  initial: 'open',
  on: {
    'notice.received': {
      actions: [
        { type: 'tellShareRegistry', params: ({ event }) => event },
        {
          type: 'refreshDownloads',
          params: ({ event: { notice } }) => ('share' in notice ? { share: notice.share } : {}),
        },
      ],
    },
    'access.revoked': {
      actions: [
        { type: 'keepRevocation', params: ({ event }) => event },
        {
          type: 'tellUploads',
          params: ({ event: { revocation } }) => ({ type: 'access.revoked' as const, revocation }),
        },
      ],
    },
    'notices.missed': {
      actions: [
        { type: 'tellShareRegistry', params: ({ event }) => event },
        { type: 'refreshDownloads', params: {} },
      ],
    },
    'uploads.opened': {
      actions: [
        { type: 'keepAddress', params: ({ event }) => event },
        { type: 'reportListening', params: { failure: undefined } },
        'limitSessions',
        'restockOffers',
        { type: 'tellHeartbeat', params: { type: 'uploads.opened' } },
      ],
    },
    'uploads.failed': {
      actions: [
        { type: 'reportListening', params: ({ event }) => ({ failure: event.refusal }) },
        { type: 'reportFailure', params: ({ event }) => ({ child: 'uploads', error: event.refusal }) },
      ],
    },
    'peer.admitted': {
      actions: [
        { type: 'tellHeartbeat', params: { type: 'peer.admitted' } },
        { type: 'introducePeer', params: ({ event: { share, peer } }) => ({ share, peer }) },
      ],
    },
    'offer.failed': { actions: { type: 'tellShareRegistry', params: ({ event }) => event } },
  },
  states: {
    open: {
      type: 'parallel',
      states: {
        heartbeat: {
          initial: 'running',
          states: {
            running: { invoke: invokeSupervised('heartbeat'), after: forgiving('heartbeat') },
            // While it did not run it heard no notices.
            restarting: {
              after: { untilHeartbeat: { target: 'running', actions: raise({ type: 'notices.missed' }) } },
            },
          },
        },
        uploads: {
          initial: 'running',
          states: {
            running: {
              invoke: {
                ...invokeSupervised('uploads'),
                input: ({ context: { listen, revocations }, self }) => ({ listen, revocations, parent: self }),
                // They cannot listen; `uploads.failed` has said why.
                onDone: {
                  target: 'restarting',
                  actions: { type: 'countFailure', params: { child: 'uploads', error: undefined } },
                },
              },
              after: forgiving('uploads'),
            },
            restarting: { after: restartAfter('uploads') },
            /** A device that is being logged out serves no one, however long its downloads take to be suspended. */
            ended: {},
          },
          on: { 'uploads.end': '.ended' },
        },
        shareRegistry: supervised('shareRegistry'),
        downloads: {
          initial: 'running',
          states: {
            running: {
              initial: 'accepting',
              invoke: { ...invokeSupervised('downloads'), onDone: '#services.closed' },
              after: forgiving('downloads'),
              states: {
                // Closing is handled here: a transition of an ancestor would start all four children again on its way.
                accepting: {
                  on: {
                    'services.close': 'suspending',
                    'session.revoked': { target: 'suspending', actions: 'markRevoked' },
                  },
                },
                /** Each run finishes what it is writing and closes its part file. */
                suspending: {
                  entry: [raise({ type: 'uploads.end' }), sendTo('downloads', { type: 'queue.suspend' })],
                  after: { closeAtLast: '#services.closed' },
                  on: { 'session.revoked': { actions: 'markRevoked' } },
                },
              },
            },
            restarting: {
              after: restartAfter('downloads'),
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
