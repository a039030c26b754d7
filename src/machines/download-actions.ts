// The download machine's actions and guards. Each works on the ledger or sends to one of the machine's actors; download.ts
// says when.

import { type CallbackActorLogic, enqueueActions, sendTo, setup } from 'xstate'
import { downloadTunables } from '../../config/swarm.ts'
import type { Bitfield } from '../domain/bitfield.ts'
import { pieceSize } from '../domain/manifest.ts'
import type { Delivery } from '../wire/agent-api.ts'
import type { SwarmPeer } from '../wire/tracker-api.ts'
import { countAtStore, creditDelivery, endSession, type Ledger, openLedger, roomForPieces } from './download-ledger.ts'
import type {
  DownloadEvent,
  DownloadInput,
  DownloadOutput,
  DownloadSpec,
  Ending,
  LocatorCommand,
  Problem,
  StoreCommand,
} from './download-protocol.ts'
import { type DownloadSessionInput, downloadSessionMachine } from './download-session.ts'
import { selectPeers } from './peer-selection.ts'
import type { PeerKey } from './swarm-protocol.ts'

export interface DownloadContext extends DownloadInput {
  readonly ledger: Ledger
  readonly startedAtMs: number
  readonly ending: Ending | undefined
  /** Why it failed, or what it waits for. */
  readonly problem: Problem | undefined
}

const sessionPrefix = 'session:'
const sessionActorId = (peer: PeerKey): string => sessionPrefix + peer
export const peerOfSession = (actorId: string): PeerKey => actorId.slice(sessionPrefix.length)

export const downloadSetup = setup({
  types: {
    input: {} as DownloadInput,
    context: {} as DownloadContext,
    events: {} as DownloadEvent,
    output: {} as DownloadOutput,
    children: {} as { store: 'store'; locator: 'locator' },
  },
  actors: {
    store: {} as CallbackActorLogic<StoreCommand, DownloadSpec>,
    locator: {} as CallbackActorLogic<LocatorCommand, DownloadSpec>,
    downloadSession: downloadSessionMachine,
  },
  delays: {
    /** Peers that start at the same time are still missing from the first look-up: so soon again, then less often. */
    locateEvery: ({ context: { now, startedAtMs } }) =>
      Math.min(Math.max(downloadTunables.locateFirstMs, now() - startedAtMs), downloadTunables.locateEveryMs),
    locateStalled: downloadTunables.locateStalledMs,
  },
  guards: {
    isComplete: ({ context }) => context.ledger.picker?.missing === 0,
    canProgress: ({ context }) => context.ledger.picker?.canProgress === true,
    /** No peer has a missing piece, and no session is still connecting. */
    isStuck: ({ context: { ledger } }) =>
      ledger.isLocated &&
      ledger.picker?.canProgress === false &&
      ![...ledger.sessions.values()].some(({ state }) => state === 'connecting'),
    /** Tells a session's failure from those of the store and the locator, which are handled where they are invoked. */
    isSession: (_, { actorId }: { actorId: string }) => actorId.startsWith(sessionPrefix),
    hasNoSession: ({ context: { ledger } }, { peer }: { peer: PeerKey }) => !ledger.sessions.has(peer),
    isEnding: ({ context }, { ending }: { ending: Ending }) => context.ending === ending,
  },
  actions: {
    /** Records how the run ended. Provided by the actor. */
    recordEnding: (_, _ended: DownloadOutput) => {},

    openLedger: ({ context }, { have }: { have: Bitfield }) => openLedger(context.ledger, context, have),

    locate: sendTo('locator', { type: 'swarm.locate' }),

    connect: enqueueActions(({ context, enqueue, self }, { peers }: { peers: readonly SwarmPeer[] }) => {
      const { ledger, spec, now } = context
      for (const step of selectPeers(ledger, peers, now())) {
        const id = sessionActorId(step.key)
        if (step.type === 'refresh') enqueue.sendTo(id, { type: 'peer.refreshed', peer: step.peer })
        else if (step.type === 'open') {
          const input: DownloadSessionInput = {
            peer: step.peer,
            share: spec.share,
            manifest: spec.manifest,
            parent: self,
          }
          enqueue.spawnChild('downloadSession', { id, input })
        } else {
          if (step.goodbye !== undefined) enqueue.sendTo(id, { type: 'session.close', reason: step.goodbye })
          enqueue.stopChild(id)
        }
      }
    }),

    setSharers: (
      { context: { ledger } },
      { peers, sharers }: { peers: readonly SwarmPeer[]; sharers?: number | undefined },
    ) => {
      const online = peers.filter(({ complete }) => complete).length
      ledger.sharers = { all: Math.max(sharers ?? online, online), online }
    },

    /** Requests as many pieces as there is room for. */
    askForPieces: enqueueActions(({ context, enqueue }) => {
      const { ledger, now } = context
      if (!ledger.picker?.mayAssign) return
      const nowMs = now()
      for (const { peer, piece } of ledger.picker.assign(roomForPieces(ledger, context, 1, nowMs), nowMs))
        enqueue.sendTo(sessionActorId(peer), { type: 'piece.wanted', piece })
    }),

    admitPeer: (
      { context: { ledger } },
      { peer, have, via }: { peer: PeerKey; have: Bitfield; via: Delivery['via'] },
    ) => {
      const session = ledger.sessions.get(peer)
      if (!session) return
      session.state = 'ready'
      session.have = have
      session.limit = undefined
      ledger.vias.set(peer, via)
      ledger.picker?.peerJoined(peer, have)
    },
    addPeerPiece: ({ context: { ledger } }, { peer, piece }: { peer: PeerKey; piece: number }) =>
      ledger.picker?.peerHas(peer, piece),
    setCapacity: (
      { context: { ledger, spec } },
      { peer, pieces, bytesPerSecond }: { peer: PeerKey; pieces: number; bytesPerSecond: number | undefined },
    ) => {
      const piecesPerSecond = bytesPerSecond === undefined ? undefined : bytesPerSecond / spec.manifest.pieceLength
      ledger.picker?.setCapacity(peer, Math.min(pieces, downloadTunables.maxPiecesPerPeer), piecesPerSecond)
    },
    returnPiece: (
      { context: { ledger } },
      { peer, piece, why }: Extract<DownloadEvent, { type: 'piece.returned' }>,
    ) => {
      if (why === 'busy') ledger.picker?.busy(peer, piece)
      else if (why === 'declined') ledger.picker?.declined(peer, piece)
      else ledger.picker?.returned(peer, piece)
    },
    setFresh: ({ context: { ledger } }, { peer, fresh }: { peer: PeerKey; fresh: Bitfield }) =>
      ledger.picker?.setFresh(peer, fresh),
    setPeerLimit: ({ context: { ledger } }, { peer, bytesPerSecond }: { peer: PeerKey; bytesPerSecond: number }) => {
      const session = ledger.sessions.get(peer)
      if (session) session.limit = bytesPerSecond || undefined
    },
    addFetcher: ({ context: { ledger } }, { peer }: { peer: PeerKey }) => {
      ledger.fetchers.add(peer)
    },
    /** The peer keeps a slot for us, but not for long: it gets a request or a pass at once. */
    answerUnchoke: enqueueActions(({ context, enqueue }, { peer }: { peer: PeerKey }) => {
      const { ledger, now } = context
      const nowMs = now()
      const request = ledger.picker?.unchoked(peer, roomForPieces(ledger, context, 2, nowMs) > 0, nowMs)
      if (request) enqueue.sendTo(sessionActorId(peer), { type: 'piece.wanted', piece: request.piece })
      else if (ledger.sessions.has(peer)) enqueue.sendTo(sessionActorId(peer), { type: 'unchoke.passed' })
    }),

    loseSession: enqueueActions(
      (
        { context: { ledger, now }, enqueue },
        { peer, reason, final }: { peer: PeerKey; reason: string; final: boolean },
      ) => {
        ledger.picker?.peerLeft(peer)
        const session = ledger.sessions.get(peer)
        if (!session) return
        session.state = 'lost'
        session.reason = reason
        if (!final) return
        endSession(ledger, peer, now())
        enqueue.stopChild(sessionActorId(peer))
      },
    ),

    checkPiece: enqueueActions(({ context, enqueue }, event: { peer: PeerKey; piece: number; data: Buffer }) => {
      const { ledger, spec } = context
      ledger.fetchedBytes += event.data.length
      ledger.window?.received(event.data.length, context.now())
      const received = ledger.picker?.received(event.peer, event.piece)
      if (!received?.fresh) return enqueue.sendTo('store', { type: 'piece.wasted', bytes: event.data.length })
      for (const other of received.unwanted)
        enqueue.sendTo(sessionActorId(other), { type: 'piece.unwanted', piece: event.piece })
      if (event.data.length !== pieceSize(spec.manifest, event.piece))
        throw new Error(`bug: a session delivered ${event.data.length} bytes as piece ${event.piece}`)
      countAtStore(ledger, context, 1, context.now())
      const via = ledger.vias.get(event.peer) ?? 'direct'
      enqueue.sendTo('store', { ...event, type: 'piece.check', via })
    }),

    creditPeer: ({ context }, { peer, piece, ...took }: Extract<DownloadEvent, { type: 'piece.verified' }>) => {
      const { ledger, spec } = context
      countAtStore(ledger, context, -1, context.now())
      ledger.checkingTime.add(took.checkedInMs, context.now())
      ledger.writingTime.add(took.writtenInMs, context.now())
      ledger.picker?.verified(piece)
      creditDelivery(ledger, peer, piece, pieceSize(spec.manifest, piece), context.now())
    },

    dropPeer: enqueueActions(({ context, enqueue }, { peer, piece }: { peer: PeerKey; piece: number }) => {
      const { ledger } = context
      countAtStore(ledger, context, -1, context.now())
      ledger.picker?.rejected(peer, piece)
      ledger.dropped.add(peer)
      if (!ledger.sessions.delete(peer)) return
      enqueue.sendTo(sessionActorId(peer), {
        type: 'session.close',
        reason: `it sent a wrong piece ${piece}`,
      })
      enqueue.stopChild(sessionActorId(peer))
    }),

    closeSessions: enqueueActions(({ context: { ledger }, enqueue }) => {
      for (const peer of ledger.sessions.keys()) {
        ledger.picker?.peerLeft(peer)
        enqueue.sendTo(sessionActorId(peer), { type: 'session.close', reason: 'the download needs nothing more' })
        enqueue.stopChild(sessionActorId(peer))
      }
      ledger.sessions.clear()
    }),

    setProblem: enqueueActions(({ enqueue }, problem: Problem | undefined) => enqueue.assign({ problem })),
    end: enqueueActions(({ enqueue }, { ending, problem }: { ending: Ending; problem?: Problem }) =>
      enqueue.assign({ ending, problem }),
    ),
  },
})
