// What the download machine can do: its actions and guards, each on the ledger or to one of its actors. When it does
// which, download.ts says.

import { type CallbackActorLogic, enqueueActions, sendTo, setup } from 'xstate'
import { downloadTunables } from '../../config/swarm.ts'
import type { Bitfield } from '../domain/bitfield.ts'
import { pieceSize } from '../domain/manifest.ts'
import type { Delivery } from '../wire/agent-api.ts'
import type { SwarmPeer } from '../wire/tracker-api.ts'
import { creditDelivery, type Ledger, noteAtStore, noteEnded, openLedger, roomForPieces } from './download-ledger.ts'
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
  /** Why it failed, or what it is waiting for. */
  readonly problem: Problem | undefined
}

export const linkId = (peer: PeerKey) => `link:${peer}`

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
    /** Whoever starts at the same time is not known yet at the first look-up: soon again, then ever later. */
    locateEvery: ({ context: { now, startedAtMs } }) =>
      Math.min(Math.max(downloadTunables.locateFirstMs, now() - startedAtMs), downloadTunables.locateEveryMs),
    locateStalled: downloadTunables.locateStalledMs,
  },
  guards: {
    isWhole: ({ context }) => context.ledger.picker?.missing === 0,
    canProgress: ({ context }) => context.ledger.picker?.canProgress === true,
    /** Nothing to fetch from, and nobody of whom we do not know yet. */
    isHopeless: ({ context: { ledger } }) =>
      ledger.isLocated &&
      ledger.picker?.canProgress === false &&
      ![...ledger.links.values()].some(link => link.state === 'connecting'),
    /** Whose failure it is: the store's and the locator's have their own answers. */
    isLink: (_, { actorId }: { actorId: string }) => actorId.startsWith(linkId('')),
    isStranger: ({ context: { ledger } }, { peer }: { peer: PeerKey }) => !ledger.links.has(peer),
    isEnding: ({ context }, { ending }: { ending: Ending }) => context.ending === ending,
  },
  actions: {
    /** At the end of a run: the library learns how it ended. Provided by the actor. */
    recordEnding: (_, _ended: DownloadOutput) => {},

    openLedger: ({ context }, { have }: { have: Bitfield }) => openLedger(context.ledger, context, have),

    locate: sendTo('locator', { type: 'swarm.locate' }),

    connect: enqueueActions(({ context, enqueue, self }, { peers }: { peers: readonly SwarmPeer[] }) => {
      const { ledger, spec, now } = context
      for (const step of selectPeers(ledger, peers, now())) {
        const id = linkId(step.key)
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

    noteSharers: (
      { context: { ledger } },
      { peers, sharers }: { peers: readonly SwarmPeer[]; sharers?: number | undefined },
    ) => {
      const online = peers.filter(({ complete }) => complete).length
      ledger.sharers = { all: Math.max(sharers ?? online, online), online }
    },

    /** Asks links for as many pieces as there is room for. */
    askForPieces: enqueueActions(({ context, enqueue }) => {
      const { ledger, now } = context
      if (!ledger.picker?.mayAssign) return
      const nowMs = now()
      for (const { peer, piece } of ledger.picker.assign(roomForPieces(ledger, context, 1, nowMs), nowMs))
        enqueue.sendTo(linkId(peer), { type: 'piece.wanted', piece })
    }),

    admitPeer: (
      { context: { ledger } },
      { peer, have, via }: { peer: PeerKey; have: Bitfield; via: Delivery['via'] },
    ) => {
      const link = ledger.links.get(peer)
      if (!link) return
      link.state = 'ready'
      link.have = have
      link.limit = undefined
      ledger.vias.set(peer, via)
      ledger.picker?.peerJoined(peer, have)
    },
    noteHave: ({ context: { ledger } }, { peer, piece }: { peer: PeerKey; piece: number }) =>
      ledger.picker?.peerHas(peer, piece),
    noteCapacity: (
      { context: { ledger, spec } },
      { peer, pieces, bytesPerSecond }: { peer: PeerKey; pieces: number; bytesPerSecond: number | undefined },
    ) => {
      const piecesPerSecond = bytesPerSecond === undefined ? undefined : bytesPerSecond / spec.manifest.pieceLength
      ledger.picker?.setCapacity(peer, Math.min(pieces, downloadTunables.maxPiecesPerPeer), piecesPerSecond)
    },
    noteReturned: (
      { context: { ledger } },
      { peer, piece, why }: { peer: PeerKey; piece: number; why: 'gone' | 'lost' | 'busy' | 'declined' },
    ) => {
      if (why === 'busy') ledger.picker?.busy(peer, piece)
      else if (why === 'declined') ledger.picker?.declined(peer, piece)
      else ledger.picker?.returned(peer, piece)
    },
    noteFresh: ({ context: { ledger } }, { peer, fresh }: { peer: PeerKey; fresh: Bitfield }) =>
      ledger.picker?.setFresh(peer, fresh),
    noteLimit: ({ context: { ledger } }, { peer, bytesPerSecond }: { peer: PeerKey; bytesPerSecond: number }) => {
      const link = ledger.links.get(peer)
      if (link) link.limit = bytesPerSecond || undefined
    },
    noteMet: ({ context: { ledger } }, { peer }: { peer: PeerKey }) => {
      ledger.met.add(peer)
    },
    /** A place is kept for us there, but not for long. */
    answerCall: enqueueActions(({ context, enqueue }, { peer }: { peer: PeerKey }) => {
      const { ledger, now } = context
      const nowMs = now()
      const request = ledger.picker?.called(peer, roomForPieces(ledger, context, 2, nowMs) > 0, nowMs)
      if (request) enqueue.sendTo(linkId(peer), { type: 'piece.wanted', piece: request.piece })
      else if (ledger.links.has(peer)) enqueue.sendTo(linkId(peer), { type: 'unchoke.passed' })
    }),

    loseLink: enqueueActions(
      (
        { context: { ledger, now }, enqueue },
        { peer, reason, final }: { peer: PeerKey; reason: string; final: boolean },
      ) => {
        ledger.picker?.peerLeft(peer)
        const link = ledger.links.get(peer)
        if (!link) return
        link.state = 'lost'
        link.reason = reason
        if (!final) return
        noteEnded(ledger, peer, now())
        enqueue.stopChild(linkId(peer))
      },
    ),

    checkPiece: enqueueActions(({ context, enqueue }, event: { peer: PeerKey; piece: number; data: Buffer }) => {
      const { ledger, spec } = context
      ledger.fetchedBytes += event.data.length
      ledger.window?.received(event.data.length, context.now())
      const received = ledger.picker?.received(event.peer, event.piece)
      if (!received?.fresh) return enqueue.sendTo('store', { type: 'piece.wasted', bytes: event.data.length })
      for (const other of received.unwanted)
        enqueue.sendTo(linkId(other), { type: 'piece.unwanted', piece: event.piece })
      if (event.data.length !== pieceSize(spec.manifest, event.piece))
        throw new Error(`bug: a link delivered ${event.data.length} bytes as piece ${event.piece}`)
      noteAtStore(ledger, context, 1, context.now())
      const via = ledger.vias.get(event.peer) ?? 'direct'
      enqueue.sendTo('store', { ...event, type: 'piece.check', via })
    }),

    creditPeer: ({ context }, { peer, piece, ...took }: Extract<DownloadEvent, { type: 'piece.verified' }>) => {
      const { ledger, spec } = context
      noteAtStore(ledger, context, -1, context.now())
      ledger.checkingTime.add(took.checkedInMs, context.now())
      ledger.writingTime.add(took.writtenInMs, context.now())
      ledger.picker?.verified(piece)
      creditDelivery(ledger, peer, piece, pieceSize(spec.manifest, piece), context.now())
    },

    dropPeer: enqueueActions(({ context, enqueue }, { peer, piece }: { peer: PeerKey; piece: number }) => {
      const { ledger } = context
      noteAtStore(ledger, context, -1, context.now())
      ledger.picker?.rejected(peer, piece)
      ledger.dropped.add(peer)
      if (!ledger.links.delete(peer)) return
      enqueue.sendTo(linkId(peer), {
        type: 'session.close',
        reason: `piece ${piece} from there is not what it should be`,
      })
      enqueue.stopChild(linkId(peer))
    }),

    closeLinks: enqueueActions(({ context: { ledger }, enqueue }) => {
      for (const peer of ledger.links.keys()) {
        ledger.picker?.peerLeft(peer)
        enqueue.sendTo(linkId(peer), { type: 'session.close', reason: 'nothing more is wanted' })
        enqueue.stopChild(linkId(peer))
      }
      ledger.links.clear()
    }),

    noteProblem: enqueueActions(({ enqueue }, problem: Problem | undefined) => enqueue.assign({ problem })),
    end: enqueueActions(({ enqueue }, { ending, problem }: { ending: Ending; problem?: Problem }) =>
      enqueue.assign({ ending, problem }),
    ),
  },
})
