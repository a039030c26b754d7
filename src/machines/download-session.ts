// One peer of one download: reaches it directly or else through the relay, fetches the pieces that the download wants
// of it, and tries again after it is lost. Always: a piece that was wanted ends as `piece.received` or `piece.returned`,
// and the latter come before `peer.lost`; nothing is sent to the connection unless it is ready. The connection is an
// actor provided to it (actors/peer/peer-connection.ts); bytes never pass through here but as whole pieces.

import { type ActorRef, assign, enqueueActions, fromCallback, not, type Snapshot, sendTo, setup } from 'xstate'
import { peerTunables } from '../../config/swarm.ts'
import type { Bitfield } from '../domain/bitfield.ts'
import { deviceKey } from '../domain/device-ref.ts'
import type { Manifest } from '../domain/manifest.ts'
import type { RefusalReason } from '../wire/frames.ts'
import type { SwarmPeer } from '../wire/tracker-api.ts'
import type { DownloadSessionCommand, DownloadSessionEvent } from './swarm-protocol.ts'

export type Via = 'direct' | 'relay'

export interface DownloadSessionInput {
  readonly peer: SwarmPeer
  readonly share: string
  readonly manifest: Pick<Manifest, 'size' | 'pieceLength'>
  readonly parent: ActorRef<Snapshot<unknown>, DownloadSessionEvent>
}

export interface PeerConnectionInput {
  readonly peer: SwarmPeer
  readonly share: string
  readonly via: Via
  readonly shape: Pick<Manifest, 'size' | 'pieceLength'>
}

/** Connection -> link. */
export type PeerConnectionEvent =
  /** Both sides have proven who they are, and the hello is sent. */
  | { readonly type: 'connection.secured' }
  /** `have` is the connection's own live set. */
  | { readonly type: 'bitfield.received'; readonly have: Bitfield }
  | { readonly type: 'have.received'; readonly piece: number }
  | { readonly type: 'capacity.measured'; readonly pieces: number; readonly bytesPerSecond: number | undefined }
  | { readonly type: 'piece.gathered'; readonly piece: number; readonly data: Buffer }
  | {
      readonly type: 'piece.refused'
      readonly piece: number
      readonly why: RefusalReason
      readonly reason: string
    }
  | { readonly type: 'unchoke.received' }
  | { readonly type: 'fresh.received'; readonly fresh: Bitfield }
  /** What it uploads to everybody together, at most; 0: no limit any more. */
  | { readonly type: 'limit.received'; readonly bytesPerSecond: number }
  /** It is over; `final` when there is no use in trying again. */
  | { readonly type: 'connection.ended'; readonly reason: string; readonly final: boolean }

/** Link -> connection. */
export type PeerConnectionCommand = Extract<
  DownloadSessionCommand,
  { type: 'piece.wanted' | 'piece.unwanted' | 'unchoke.passed' }
>

interface Context extends DownloadSessionInput {
  readonly via: Via
  /** Asked of the connection and not back yet. */
  readonly wanted: ReadonlySet<number>
  /** Attempts since the last piece that came. */
  readonly failures: number
}

type WithoutPeer<E> = E extends unknown ? Omit<E, 'peer'> : never

export const downloadSessionMachine = setup({
  types: {
    context: {} as Context,
    input: {} as DownloadSessionInput,
    events: {} as DownloadSessionCommand | PeerConnectionEvent,
  },
  actors: {
    connection: fromCallback<PeerConnectionCommand, PeerConnectionInput>(() => {
      throw new Error('bug: a peer link without its connection')
    }),
  },
  delays: {
    connectTimeout: peerTunables.connectTimeoutMs,
    /** Doubling, and anywhere in the upper half of that, so that many links do not come back at one instant. */
    backOff: ({ context }) =>
      Math.min(peerTunables.retryFirstMs * 2 ** (context.failures - 1), peerTunables.retryMostMs) *
      (0.5 + Math.random() / 2),
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
      ({ context }, event: WithoutPeer<DownloadSessionEvent>) =>
        ({ ...event, peer: deviceKey(context.peer) }) as DownloadSessionEvent,
    ),
    instruct: sendTo('connection', (_, command: PeerConnectionCommand) => command),
    addWanted: assign({ wanted: ({ context }, { piece }: { piece: number }) => new Set(context.wanted).add(piece) }),
    removeWanted: assign({
      wanted: ({ context }, { piece }: { piece: number }) => new Set([...context.wanted].filter(one => one !== piece)),
    }),
    /** Everything that was asked of it goes back, and the download hears that it is lost. */
    reportLost: enqueueActions(({ context, enqueue }, { reason, final }: { reason: string; final: boolean }) => {
      const peer = deviceKey(context.peer)
      for (const piece of context.wanted)
        enqueue.sendTo(context.parent, {
          type: 'piece.returned',
          peer,
          piece,
          why: 'lost',
          reason,
        } satisfies DownloadSessionEvent)
      enqueue.sendTo(context.parent, { type: 'peer.lost', peer, reason, final } satisfies DownloadSessionEvent)
      enqueue.assign({ wanted: new Set(), failures: context.failures + 1 })
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
    'piece.wanted': {
      actions: {
        type: 'report',
        params: ({ event }) => ({
          type: 'piece.returned',
          piece: event.piece,
          why: 'lost',
          reason: 'it is not connected',
        }),
      },
    },
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
        /** Whatever fails here, also a refusal: at that address may be somebody else's device, behind one router. */
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
          on: { 'bitfield.received': { target: 'ready' } },
          after: {
            connectTimeout: {
              target: '#downloadSession.backingOff',
              actions: { type: 'reportLost', params: { reason: 'it does not say what it has', final: false } },
            },
          },
        },
        ready: {
          entry: {
            type: 'report',
            params: ({ context, event }) => {
              if (event.type !== 'bitfield.received') throw new Error(`bug: ready by ${event.type}`)
              return { type: 'peer.ready', via: context.via, have: event.have }
            },
          },
          on: {
            'have.received': {
              actions: { type: 'report', params: ({ event }) => ({ type: 'peer.have', piece: event.piece }) },
            },
            'unchoke.received': { actions: { type: 'report', params: { type: 'peer.unchoked' } } },
            'unchoke.passed': { actions: { type: 'instruct', params: { type: 'unchoke.passed' } } },
            'fresh.received': {
              actions: { type: 'report', params: ({ event }) => ({ type: 'peer.fresh', fresh: event.fresh }) },
            },
            'limit.received': {
              actions: {
                type: 'report',
                params: ({ event }) => ({ type: 'peer.limited', bytesPerSecond: event.bytesPerSecond }),
              },
            },
            'capacity.measured': {
              actions: { type: 'report', params: ({ event }) => ({ ...event, type: 'peer.capacity' }) },
            },
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
            'piece.gathered': {
              guard: { type: 'isWanted', params: ({ event }) => event },
              actions: [
                { type: 'removeWanted', params: ({ event }) => event },
                'forgetFailures',
                { type: 'report', params: ({ event }) => ({ ...event, type: 'piece.received' }) },
              ],
            },
            'piece.refused': {
              guard: { type: 'isWanted', params: ({ event }) => event },
              actions: [
                { type: 'removeWanted', params: ({ event }) => event },
                { type: 'report', params: ({ event }) => ({ ...event, type: 'piece.returned' }) },
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
