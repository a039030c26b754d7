// What this device serves, and to whom: the offers, the peers connected for them, and whose access was withdrawn.
// Always: a peer has at most one link a share; no link outlives its offer, its ticket or its holder's access. Who
// connects has proven to hold a ticket before this machine hears of it. Sockets stay with the actors provided to it
// (actors/peer/peer-listener.ts, actors/peer/upload-session.ts); here a connection is its guest's id.

import {
  type ActorRef,
  type ActorRefFrom,
  assign,
  type ErrorActorEvent,
  enqueueActions,
  fromCallback,
  type Snapshot,
  sendTo,
  setup,
} from 'xstate'
import { ticketTunables, uploadTunables } from '../../config/swarm.ts'
import { type Bitfield, createBitfield } from '../domain/bitfield.ts'
import { deviceKey } from '../domain/device-ref.ts'
import { type Access, isVoid, type Revocation, type Revocations, withRevocation } from '../domain/revocation.ts'
import type { Offer, UploadsCommand, UploadsEvent } from './swarm-protocol.ts'
import type {
  InboundPeer,
  Listening,
  PeerListenerCommand,
  PeerListenerEvent,
  UploadSessionCommand,
  UploadSessionEvent,
  UploadSessionInput,
} from './uploads-protocol.ts'

const uploadSession = fromCallback<UploadSessionCommand, UploadSessionInput>(() => {
  throw new Error('bug: a serving desk without server links')
})

interface Link {
  readonly guest: InboundPeer
  readonly group: string
  readonly ref: ActorRefFrom<typeof uploadSession>
}

export interface UploadsContext {
  readonly listen: Listening
  readonly parent: ActorRef<Snapshot<unknown>, UploadsEvent>
  readonly offers: ReadonlyMap<string, Offer>
  /** By share: what its first offer had from the beginning. */
  readonly own: ReadonlyMap<string, Bitfield>
  /** By the guest's id. */
  readonly links: ReadonlyMap<string, Link>
  readonly revocations: Revocations
  readonly mostLinks: number
  readonly servedBytes: number
}

const accessOf = ({ holder, ticket: { share, seq, epoch } }: InboundPeer, group: string): Access => ({
  holder,
  group,
  share,
  seq,
  epoch,
})

const keep = <V>(map: ReadonlyMap<string, V>, wanted: (value: V, key: string) => boolean): ReadonlyMap<string, V> =>
  new Map([...map].filter(([key, value]) => wanted(value, key)))

const tooMany = { retry: true, reason: 'too many peers are connected' } as const
const withdrawn = { type: 'session.close', retry: true, reason: 'this file is no longer on offer here' } as const

export const uploadsMachine = setup({
  types: {
    context: {} as UploadsContext,
    /** `revocations`: what was heard before this desk was started. */
    input: {} as Pick<UploadsContext, 'listen' | 'parent'> & { readonly revocations?: Revocations },
    events: {} as UploadsCommand | PeerListenerEvent | UploadSessionEvent | ErrorActorEvent,
  },
  actors: {
    peerListener: fromCallback<PeerListenerCommand, Listening>(() => {
      throw new Error('bug: a serving desk without a door')
    }),
    uploadSession,
  },
  guards: {
    isOffered: ({ context }, { guest }: { guest: InboundPeer }) => context.offers.has(guest.ticket.share),
    isRevoked: ({ context }, { guest }: { guest: InboundPeer }) => {
      const offer = context.offers.get(guest.ticket.share)
      return offer !== undefined && isVoid(context.revocations, accessOf(guest, offer.group))
    },
    /** An offer that took its place meanwhile is not to blame. */
    isCurrent: ({ context }, { offer }: { offer: Offer }) => context.offers.get(offer.share) === offer,
    isFull: ({ context }) => context.links.size >= context.mostLinks,
    hasEnough: ({ context }, { guest }: { guest: InboundPeer }) => {
      const theirs = [...context.links.values()].filter(({ guest: other }) => other.holder.user === guest.holder.user)
      return theirs.length >= uploadTunables.maxLinksPerUser
    },
  },
  actions: {
    /** Makes this actor known to its port. Provided by the actor. */
    attach: (_, _none: undefined) => {},
    report: sendTo(
      ({ context }) => context.parent,
      (_, event: UploadsEvent) => event,
    ),
    dismiss: sendTo(
      'peerListener',
      (_, { guest, retry, reason }: { guest: InboundPeer; retry: boolean; reason: string }): PeerListenerCommand => ({
        type: 'peer.dismissed',
        id: guest.id,
        retry,
        reason,
      }),
    ),
    /** A peer that comes again has lost its earlier connection, whether we have noticed or not. */
    endEarlierLink: enqueueActions(({ context, enqueue }, { guest }: { guest: InboundPeer }) => {
      const same = ({ guest: other }: Link) =>
        other.ticket.share === guest.ticket.share && deviceKey(other.holder) === deviceKey(guest.holder)
      for (const { ref } of [...context.links.values()].filter(same)) enqueue.stopChild(ref)
      enqueue.assign({ links: keep(context.links, link => !same(link)) })
    }),
    serve: assign({
      links: ({ context, spawn }, { guest }: { guest: InboundPeer }) => {
        const offer = context.offers.get(guest.ticket.share)
        if (!offer) throw new Error('bug: serving what is not on offer')
        const ref = spawn('uploadSession', {
          id: guest.id,
          input: { guest, offer, own: context.own.get(offer.share)! },
        })
        return new Map(context.links).set(guest.id, { guest, group: offer.group, ref })
      },
    }),
    forgetLink: assign({
      links: ({ context }, { id }: { id: string }) => keep(context.links, ({ guest }) => guest.id !== id),
    }),
    addOffer: assign({
      offers: ({ context }, { offer }: { offer: Offer }) => new Map(context.offers).set(offer.share, offer),
      own: ({ context }, { offer: { share, have } }: { offer: Offer }) =>
        context.own.has(share)
          ? context.own
          : new Map(context.own).set(share, createBitfield(have.length, have.toBytes())),
    }),
    removeOffer: assign({
      offers: ({ context }, { share }: { share: string }) => keep(context.offers, offer => offer.share !== share),
      own: ({ context }, { share }: { share: string }) => keep(context.own, (_, of) => of !== share),
    }),
    tellLinks: enqueueActions(
      ({ context, enqueue }, { share, command }: { share: string; command: UploadSessionCommand }) => {
        for (const { guest, ref } of context.links.values())
          if (guest.ticket.share === share) enqueue.sendTo(ref, command)
      },
    ),
    /** Not told goodbye: what is on its way to them stops here. */
    cutOff: enqueueActions(({ context, enqueue }) => {
      const isTheirs = ({ guest, group }: Link) => isVoid(context.revocations, accessOf(guest, group))
      for (const { ref } of [...context.links.values()].filter(isTheirs)) enqueue.stopChild(ref)
      enqueue.assign({ links: keep(context.links, link => !isTheirs(link)) })
    }),
    keepMostLinks: assign({ mostLinks: (_, { most }: { most: number }) => Math.min(most, uploadTunables.maxLinks) }),
    /** They leave by themselves, once they have said goodbye. */
    letSurplusGo: enqueueActions(({ context: { links, mostLinks }, enqueue }) => {
      for (const { ref } of [...links.values()].slice(mostLinks))
        enqueue.sendTo(ref, { type: 'session.close', ...tooMany })
    }),
    remember: assign({
      revocations: ({ context }, { withdrawal }: { withdrawal: Revocation }) =>
        withRevocation(context.revocations, withdrawal, Date.now(), ticketTunables.rememberRevokedMs),
    }),
    countBytes: assign({ servedBytes: ({ context }, { bytes }: { bytes: number }) => context.servedBytes + bytes }),
  },
}).createMachine({
  id: 'uploads',
  context: ({ input }) => ({
    revocations: new Map(),
    ...input,
    offers: new Map(),
    own: new Map(),
    links: new Map(),
    mostLinks: uploadTunables.maxLinks,
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
              params: ({ event }) => ({ ...event, retry: false, reason: 'this access was withdrawn' }),
            },
          },
          {
            guard: 'isFull',
            actions: {
              type: 'dismiss',
              params: ({ event }) => ({ ...event, ...tooMany }),
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
              { type: 'endEarlierLink', params: ({ event }) => event },
              { type: 'serve', params: ({ event }) => event },
              {
                type: 'report',
                params: ({ event: { guest } }) => ({
                  type: 'peer.admitted',
                  share: guest.ticket.share,
                  peer: deviceKey(guest.holder),
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
          type: 'tellLinks',
          params: ({ event: { offer } }) => ({ share: offer.share, command: { type: 'offer.replaced', offer } }),
        },
      ],
    },
    'offer.removed': {
      actions: [
        { type: 'removeOffer', params: ({ event }) => event },
        {
          type: 'tellLinks',
          params: ({ event }) => ({ share: event.share, command: withdrawn }),
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
        { type: 'tellLinks', params: ({ event }) => ({ share: event.offer.share, command: withdrawn }) },
      ],
    },
    'piece.available': {
      actions: {
        type: 'tellLinks',
        params: ({ event: { share, piece } }) => ({ share, command: { type: 'piece.available', piece } }),
      },
    },
    'access.revoked': {
      actions: [{ type: 'remember', params: ({ event }) => event }, 'cutOff'],
    },
    'xstate.error.actor.*': { actions: { type: 'forgetLink', params: ({ event }) => ({ id: event.actorId }) } },
    'sessions.limited': { actions: [{ type: 'keepMostLinks', params: ({ event }) => event }, 'letSurplusGo'] },
    'upload-session.ended': { actions: [{ type: 'forgetLink', params: ({ event }) => event }] },
    'bytes.served': { actions: { type: 'countBytes', params: ({ event }) => event } },
  },
})

export interface UploadsStatus {
  readonly listen: Listening
  readonly links: number
  /** Devices connected, each once. */
  readonly peers: number
  readonly servedBytes: number
}

/** What `agent status` shows. */
export function uploadsStatus({ context }: { readonly context: UploadsContext }): UploadsStatus {
  const { listen, links, servedBytes } = context
  const peers = new Set([...links.values()].map(link => deviceKey(link.guest.holder))).size
  return { listen, links: links.size, peers, servedBytes }
}
