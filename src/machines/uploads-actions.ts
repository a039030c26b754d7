// What the uploads machine can do: its guards and actions, on the offers, the sessions and the revocations it knows.
// uploads.ts says when it does which.

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
  throw new Error('bug: the uploads machine without upload sessions')
})

interface Session {
  readonly peer: InboundPeer
  readonly group: string
  readonly ref: ActorRefFrom<typeof uploadSession>
}

export interface UploadsContext {
  readonly listen: Listening
  readonly parent: ActorRef<Snapshot<unknown>, UploadsEvent>
  /** By share: those of downloads, and those that peers fetch. */
  readonly offers: ReadonlyMap<string, Offer>
  /** By share: what its first offer had from the beginning. */
  readonly own: ReadonlyMap<string, Bitfield>
  /** By the inbound peer's id. */
  readonly sessions: ReadonlyMap<string, Session>
  readonly revocations: Revocations
  readonly mostSessions: number
  readonly servedBytes: number
}

/** A peer that arrives, and what there is of its share unless the context has it. */
interface Arrival {
  readonly peer: InboundPeer
  readonly offer?: Offer | undefined
}

const offerFor = ({ offers }: UploadsContext, { peer, offer }: Arrival): Offer | undefined =>
  offers.get(peer.ticket.share) ?? offer

const isServed = ({ sessions }: Pick<UploadsContext, 'sessions'>, share: string): boolean =>
  [...sessions.values()].some(({ peer }) => peer.ticket.share === share)

const accessOf = ({ holder, ticket: { share, seq, epoch } }: InboundPeer, group: string): Access => ({
  holder,
  group,
  share,
  seq,
  epoch,
})

const keep = <V>(map: ReadonlyMap<string, V>, isKept: (value: V, key: string) => boolean): ReadonlyMap<string, V> =>
  new Map([...map].filter(([key, value]) => isKept(value, key)))

const copyOf = (have: Bitfield): Bitfield => createBitfield(have.length, have.toBytes())

export const tooManyPeers = { retry: true, reason: 'too many peers are connected' } as const

export const uploadsSetup = setup({
  types: {
    context: {} as UploadsContext,
    /** `revocations`: what was heard before this machine was started. */
    input: {} as Pick<UploadsContext, 'listen' | 'parent'> & { readonly revocations?: Revocations },
    events: {} as UploadsCommand | PeerListenerEvent | UploadSessionEvent | ErrorActorEvent,
  },
  actors: {
    peerListener: fromCallback<PeerListenerCommand, Listening>(() => {
      throw new Error('bug: the uploads machine without a peer listener')
    }),
    uploadSession,
  },
  guards: {
    isOffered: ({ context }, arrival: Arrival) => offerFor(context, arrival) !== undefined,
    isRevoked: ({ context }, arrival: Arrival) => {
      const offer = offerFor(context, arrival)
      return offer !== undefined && isVoid(context.revocations, accessOf(arrival.peer, offer.group))
    },
    /** An offer that took its place meanwhile is not to blame. */
    isCurrent: ({ context }, { offer }: { offer: Offer }) => context.offers.get(offer.share) === offer,
    isFull: ({ context }) => context.sessions.size >= context.mostSessions,
    hasEnough: ({ context }, { peer }: { peer: InboundPeer }) => {
      const theirs = [...context.sessions.values()].filter(each => each.peer.holder.user === peer.holder.user)
      return theirs.length >= uploadTunables.maxSessionsPerUser
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
      (_, { peer, retry, reason }: { peer: InboundPeer; retry: boolean; reason: string }): PeerListenerCommand => ({
        type: 'peer.dismissed',
        id: peer.id,
        retry,
        reason,
      }),
    ),
    /** A peer that connects again has lost its earlier connection, whether we have noticed or not. */
    endEarlierSession: enqueueActions(({ context, enqueue }, { peer }: { peer: InboundPeer }) => {
      const isEarlier = ({ peer: other }: Session) =>
        other.ticket.share === peer.ticket.share && deviceKey(other.holder) === deviceKey(peer.holder)
      for (const { ref } of [...context.sessions.values()].filter(isEarlier)) enqueue.stopChild(ref)
      enqueue.assign({ sessions: keep(context.sessions, session => !isEarlier(session)) })
    }),
    serve: assign(({ context, spawn }, arrival: Arrival) => {
      const { peer } = arrival
      const { share } = peer.ticket
      const offer = offerFor(context, arrival)
      if (!offer) throw new Error('bug: serving what is not on offer')
      const own = context.own.get(share) ?? copyOf(offer.have)
      const ref = spawn('uploadSession', { id: peer.id, input: { peer, offer, own } })
      const sessions = new Map(context.sessions).set(peer.id, { peer, group: offer.group, ref })
      // A findable offer is let go here, once a peer comes for another.
      const offers = keep(context.offers, (each, of) => !each.isFindable || isServed({ sessions }, of))
      return {
        sessions,
        offers: new Map(offers).set(share, offer),
        own: new Map(keep(context.own, (each, of) => offers.has(of) || !each.isFull())).set(share, own),
      }
    }),
    /** XState keeps a child that has ended, with all it holds, until it is stopped. */
    forgetSession: enqueueActions(({ context, enqueue }, { id }: { id: string }) => {
      enqueue.stopChild(id)
      enqueue.assign({ sessions: keep(context.sessions, ({ peer }) => peer.id !== id) })
    }),
    addOffer: assign(({ context }, { offer }: { offer: Offer }) => {
      const { share, have, isFindable } = offer
      if (isFindable && !isServed(context, share)) return { offers: keep(context.offers, (_, of) => of !== share) }
      const own = context.own.has(share) ? context.own : new Map(context.own).set(share, copyOf(have))
      return { offers: new Map(context.offers).set(share, offer), own }
    }),
    removeOffer: assign({
      offers: ({ context }, { share }: { share: string }) => keep(context.offers, offer => offer.share !== share),
      own: ({ context }, { share }: { share: string }) => keep(context.own, (_, key) => key !== share),
    }),
    instructSessions: enqueueActions(
      ({ context, enqueue }, { share, command }: { share: string; command: UploadSessionCommand }) => {
        for (const { peer, ref } of context.sessions.values())
          if (peer.ticket.share === share) enqueue.sendTo(ref, command)
      },
    ),
    /** Without a goodbye: what is on its way to them stops here. */
    cutRevoked: enqueueActions(({ context, enqueue }) => {
      const isRevoked = ({ peer, group }: Session) => isVoid(context.revocations, accessOf(peer, group))
      for (const { ref } of [...context.sessions.values()].filter(isRevoked)) enqueue.stopChild(ref)
      enqueue.assign({ sessions: keep(context.sessions, session => !isRevoked(session)) })
    }),
    limitSessions: assign({
      mostSessions: (_, { most }: { most: number }) => Math.min(most, uploadTunables.maxSessions),
    }),
    /** They end by themselves, once they have said goodbye. */
    closeSurplus: enqueueActions(({ context: { sessions, mostSessions }, enqueue }) => {
      for (const { ref } of [...sessions.values()].slice(mostSessions))
        enqueue.sendTo(ref, { type: 'session.close', ...tooManyPeers })
    }),
    remember: assign({
      revocations: ({ context }, { revocation }: { revocation: Revocation }) =>
        withRevocation(context.revocations, revocation, Date.now(), ticketTunables.rememberRevokedMs),
    }),
    countBytes: assign({ servedBytes: ({ context }, { bytes }: { bytes: number }) => context.servedBytes + bytes }),
  },
})
