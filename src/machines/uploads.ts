// What this device serves, and to which peers: the offers, the upload sessions, and the access that was revoked.
// Always: a peer has at most one session a share; no session outlives its offer, its ticket or its holder's access. A peer
// has proven to hold a ticket before this machine hears of it. Sockets stay with the actors provided to it
// (actors/swarm/peer-listener.ts, actors/swarm/upload-session.ts); here a connection is its peer's id.
// What its actions do is in uploads-actions.ts.

import { assign } from 'xstate'
import { uploadTunables } from '../../config/swarm.ts'
import { deviceKey } from '../domain/device-ref.ts'
import { tooManyPeers, type UploadsContext, uploadsSetup } from './uploads-actions.ts'
import type { InboundPeer, Listening } from './uploads-protocol.ts'

const noLongerOffered = { type: 'session.close', retry: true, reason: 'this file is no longer on offer here' } as const

export const uploadsMachine = uploadsSetup.createMachine({
  id: 'uploads',
  context: ({ input }) => ({
    revocations: new Map(),
    ...input,
    offers: new Map(),
    own: new Map(),
    sessions: new Map(),
    mostSessions: uploadTunables.maxSessions,
    servedBytes: 0,
  }),
  invoke: {
    id: 'peerListener',
    src: 'peerListener',
    input: ({ context }) => context.listen,
    onError: {
      target: '.closed',
      actions: {
        type: 'report',
        params: ({ event }) => ({
          type: 'uploads.failed',
          refusal: { ok: false, code: 'unreachable', message: `serving has stopped: ${event.error}` },
        }),
      },
    },
  },
  entry: 'attach',
  initial: 'opening',
  states: {
    opening: {
      on: {
        'listener.opened': {
          target: 'open',
          actions: [
            { type: 'report', params: ({ event }) => ({ ...event, type: 'uploads.opened' }) },
            assign({ listen: ({ event }) => ({ host: event.host, port: event.port }) }),
          ],
        },
      },
    },
    open: {
      on: {
        'peer.arrived': [
          {
            guard: { type: 'isRevoked', params: ({ event }) => event },
            actions: {
              type: 'dismiss',
              params: ({ event }) => ({ ...event, retry: false, reason: 'this access was revoked' }),
            },
          },
          {
            guard: 'isFull',
            actions: {
              type: 'dismiss',
              params: ({ event }) => ({ ...event, ...tooManyPeers }),
            },
          },
          {
            guard: { type: 'hasEnough', params: ({ event }) => event },
            actions: {
              type: 'dismiss',
              params: ({ event }) => ({ ...event, retry: true, reason: 'too many of your devices are connected' }),
            },
          },
          {
            guard: { type: 'isOffered', params: ({ event }) => event },
            actions: [
              { type: 'endEarlierSession', params: ({ event }) => event },
              { type: 'serve', params: ({ event }) => event },
              {
                type: 'report',
                params: ({ event: { peer } }) => ({
                  type: 'peer.admitted',
                  share: peer.ticket.share,
                  peer: deviceKey(peer.holder),
                }),
              },
            ],
          },
          {
            actions: {
              type: 'dismiss',
              params: ({ event }) => ({ ...event, retry: true, reason: 'this file is not on offer here now' }),
            },
          },
        ],
      },
    },
    closed: { type: 'final' },
  },
  on: {
    'listener.failed': {
      target: '.closed',
      actions: { type: 'report', params: ({ event }) => ({ type: 'uploads.failed', refusal: event.refusal }) },
    },
    'offer.added': {
      actions: [
        { type: 'addOffer', params: ({ event }) => event },
        {
          type: 'instructSessions',
          params: ({ event: { offer } }) => ({ share: offer.share, command: { type: 'offer.replaced', offer } }),
        },
      ],
    },
    'offer.removed': {
      actions: [
        { type: 'removeOffer', params: ({ event }) => event },
        {
          type: 'instructSessions',
          params: ({ event }) => ({ share: event.share, command: noLongerOffered }),
        },
      ],
    },
    'read.failed': {
      guard: { type: 'isCurrent', params: ({ event }) => event },
      actions: [
        {
          type: 'report',
          params: ({ event }) => ({ type: 'offer.failed', share: event.offer.share, error: event.error }),
        },
        { type: 'removeOffer', params: ({ event }) => event.offer },
        { type: 'instructSessions', params: ({ event }) => ({ share: event.offer.share, command: noLongerOffered }) },
      ],
    },
    'piece.available': {
      actions: {
        type: 'instructSessions',
        params: ({ event: { share, piece } }) => ({ share, command: { type: 'piece.available', piece } }),
      },
    },
    'access.revoked': {
      actions: [{ type: 'remember', params: ({ event }) => event }, 'cutRevoked'],
    },
    'xstate.error.actor.*': { actions: { type: 'forgetSession', params: ({ event }) => ({ id: event.actorId }) } },
    'sessions.limited': { actions: [{ type: 'limitSessions', params: ({ event }) => event }, 'closeSurplus'] },
    'upload-session.ended': { actions: [{ type: 'forgetSession', params: ({ event }) => event }] },
    'bytes.served': { actions: { type: 'countBytes', params: ({ event }) => event } },
  },
})

export interface UploadsStatus {
  readonly listen: Listening
  readonly sessions: number
  /** Devices connected, each once. */
  readonly peers: number
  readonly servedBytes: number
}

/** What `agent status` shows. */
export function uploadsStatus({ context }: { readonly context: UploadsContext }): UploadsStatus {
  const { listen, sessions, servedBytes } = context
  const peers = new Set([...sessions.values()].map(({ peer }) => deviceKey(peer.holder))).size
  return { listen, sessions: sessions.size, peers, servedBytes }
}

/** The peers that are being served now. */
export const servedPeers = ({ context }: { readonly context: UploadsContext }): InboundPeer[] =>
  [...context.sessions.values()].map(({ peer }) => peer)
