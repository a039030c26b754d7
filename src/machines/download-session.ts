// One peer of one download: connects directly or else through the relay, fetches the pieces that the download wants from
// it, and reconnects after a loss. Always: a piece that was wanted ends as `piece.received` or `piece.returned`, and
// those returned by a loss come before `peer.lost`; only a ready connection is asked for pieces. The connection is an
// actor provided to it (actors/swarm/peer-connection.ts); only whole pieces pass through here.

import { type ActorRef, assign, enqueueActions, fromCallback, not, type Snapshot, sendTo, setup } from 'xstate'
import { peerTunables } from '../../config/swarm.ts'
import { backOffMs, withJitter } from '../domain/back-off.ts'
import { deviceKey } from '../domain/device-ref.ts'
import type { Manifest } from '../domain/manifest.ts'
import type { SwarmPeer } from '../wire/tracker-api.ts'
import type { PeerConnectionCommand, PeerConnectionEvent, PeerConnectionInput } from './download-session-protocol.ts'
import type { DownloadSessionCommand, DownloadSessionEvent, Via } from './swarm-protocol.ts'

export interface DownloadSessionInput {
  readonly peer: SwarmPeer
  readonly share: string
  readonly manifest: Pick<Manifest, 'size' | 'pieceLength'>
  readonly parent: ActorRef<Snapshot<unknown>, DownloadSessionEvent>
}

interface Context extends DownloadSessionInput {
  readonly via: Via
  /** Wanted from the connection and not back yet. Changed in place, by this machine's actions alone. */
  readonly wanted: Set<number>
  /** Attempts since the last piece arrived. */
  readonly failures: number
}

const notConnected = { why: 'lost', reason: 'it is not connected' } as const
const retry = { firstMs: peerTunables.retryFirstMs, mostMs: peerTunables.retryMostMs }

export const downloadSessionMachine = setup({
  types: {
    context: {} as Context,
    input: {} as DownloadSessionInput,
    events: {} as DownloadSessionCommand | PeerConnectionEvent,
  },
  actors: {
    connection: fromCallback<PeerConnectionCommand, PeerConnectionInput>(() => {
      throw new Error('bug: a download session without its connection')
    }),
  },
  delays: {
    connectTimeout: peerTunables.connectTimeoutMs,
    backOff: ({ context }) => withJitter(backOffMs(retry, context.failures)),
  },
  guards: {
    isFinal: ({ event }) => event.type === 'connection.ended' && event.final,
    isWanted: ({ context }, { piece }: { piece: number }) => context.wanted.has(piece),
    hasWanted: ({ context }) => context.wanted.size > 0,
    hasMoved: ({ context }, { peer }: { peer: SwarmPeer }) =>
      peer.host !== context.peer.host || peer.port !== context.peer.port,
    isDirect: ({ context }) => context.via === 'direct',
  },
  actions: {
    report: sendTo(
      ({ context }) => context.parent,
      (_, event: DownloadSessionEvent) => event,
    ),
    instruct: sendTo('connection', (_, command: PeerConnectionCommand) => command),
    addWanted: enqueueActions(({ context }, { piece }: { piece: number }) => void context.wanted.add(piece)),
    removeWanted: enqueueActions(({ context }, { piece }: { piece: number }) => void context.wanted.delete(piece)),
    returnUnready: enqueueActions(({ context, enqueue }, { piece }: { piece: number }) => {
      const peer = deviceKey(context.peer)
      enqueue.sendTo(context.parent, { type: 'piece.returned', peer, piece, ...notConnected })
    }),
    /** Returns everything that was wanted, then reports the loss. */
    reportLost: enqueueActions(({ context, enqueue }, { reason, final }: { reason: string; final: boolean }) => {
      const peer = deviceKey(context.peer)
      for (const piece of context.wanted)
        enqueue.sendTo(context.parent, { type: 'piece.returned', peer, piece, why: 'lost', reason })
      enqueue.sendTo(context.parent, { type: 'peer.lost', peer, reason, final })
      context.wanted.clear()
      enqueue.assign({ failures: context.failures + 1 })
    }),
    forgetFailures: assign({ failures: 0 }),
    keepPeer: assign({ peer: (_, { peer }: { peer: SwarmPeer }) => peer }),
    takeDirect: assign({ via: 'direct' }),
    takeRelay: assign({ via: 'relay' }),
  },
}).createMachine({
  id: 'downloadSession',
  context: ({ input }) => ({ ...input, via: 'direct', wanted: new Set(), failures: 0 }),
  initial: 'engaged',
  on: {
    'session.close': { target: '.closed' },
    'peer.refreshed': { actions: { type: 'keepPeer', params: ({ event }) => event } },
    'piece.wanted': { actions: { type: 'returnUnready', params: ({ event }) => event } },
  },
  states: {
    engaged: {
      invoke: {
        id: 'connection',
        src: 'connection',
        input: ({ context: { peer, share, via, manifest } }) => ({ peer, share, via, shape: manifest }),
        onError: {
          target: 'backingOff',
          actions: {
            type: 'reportLost',
            params: ({ event }) => ({ reason: `the connection failed: ${event.error}`, final: false }),
          },
        },
      },
      initial: 'connecting',
      on: {
        'connection.ended': [
          { guard: 'isFinal', target: 'closed', actions: { type: 'reportLost', params: ({ event }) => event } },
          { target: 'backingOff', actions: { type: 'reportLost', params: ({ event }) => event } },
        ],
      },
      states: {
        connecting: {
          always: [{ guard: 'isDirect', target: 'connectingDirect' }, { target: 'connectingRelayed' }],
        },
        /** Even a refusal is not final here: behind one router, another device may answer at that address. */
        connectingDirect: {
          on: {
            'connection.secured': { target: 'handshaking' },
            'connection.ended': { target: '#downloadSession.engaged', reenter: true, actions: 'takeRelay' },
          },
          after: { connectTimeout: { target: '#downloadSession.engaged', reenter: true, actions: 'takeRelay' } },
        },
        connectingRelayed: {
          on: { 'connection.secured': { target: 'handshaking' } },
          after: {
            connectTimeout: {
              target: '#downloadSession.backingOff',
              actions: { type: 'reportLost', params: { reason: 'it cannot be reached', final: false } },
            },
          },
        },
        handshaking: {
          on: { 'peer.ready': { target: 'ready', actions: { type: 'report', params: ({ event }) => event } } },
          after: {
            connectTimeout: {
              target: '#downloadSession.backingOff',
              actions: { type: 'reportLost', params: { reason: 'it does not say what it has', final: false } },
            },
          },
        },
        ready: {
          on: {
            'peer.have': { actions: { type: 'report', params: ({ event }) => event } },
            'peer.capacity': { actions: { type: 'report', params: ({ event }) => event } },
            'peer.unchoked': { actions: { type: 'report', params: ({ event }) => event } },
            'peer.fresh': { actions: { type: 'report', params: ({ event }) => event } },
            'peer.limited': { actions: { type: 'report', params: ({ event }) => event } },
            'unchoke.passed': { actions: { type: 'instruct', params: ({ event }) => event } },
            'piece.wanted': [
              { guard: { type: 'isWanted', params: ({ event }) => event } },
              {
                actions: [
                  { type: 'addWanted', params: ({ event }) => event },
                  { type: 'instruct', params: ({ event }) => event },
                ],
              },
            ],
            'piece.unwanted': {
              guard: { type: 'isWanted', params: ({ event }) => event },
              actions: [
                { type: 'removeWanted', params: ({ event }) => event },
                { type: 'instruct', params: ({ event }) => event },
              ],
            },
            'piece.received': {
              guard: { type: 'isWanted', params: ({ event }) => event },
              actions: [
                { type: 'removeWanted', params: ({ event }) => event },
                'forgetFailures',
                { type: 'report', params: ({ event }) => event },
              ],
            },
            'piece.returned': {
              guard: { type: 'isWanted', params: ({ event }) => event },
              actions: [
                { type: 'removeWanted', params: ({ event }) => event },
                { type: 'report', params: ({ event }) => event },
              ],
            },
          },
          initial: 'idle',
          states: {
            idle: { always: { guard: 'hasWanted', target: 'fetching' } },
            fetching: { always: { guard: not('hasWanted'), target: 'idle' } },
          },
        },
      },
    },
    backingOff: {
      exit: 'takeDirect',
      after: { backOff: { target: 'engaged' } },
      on: {
        'peer.refreshed': [
          {
            guard: { type: 'hasMoved', params: ({ event }) => event },
            target: 'engaged',
            actions: { type: 'keepPeer', params: ({ event }) => event },
          },
          { actions: { type: 'keepPeer', params: ({ event }) => event } },
        ],
      },
    },
    closed: { type: 'final' },
  },
})
