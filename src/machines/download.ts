// One run of one download: from its entry in the library to a resting state (completed, paused, failed, cancelled).
// It decides; the store owns the part file and checks every piece, the locator asks the trackers, a link each talks to
// the peers. A restart begins from the library, never from a snapshot of this. Sets and flows: README.md beside it.

import { type CallbackActorLogic, enqueueActions, sendTo, setup } from 'xstate'
import { download as tunables } from '../../config/tunables.ts'
import type { Bitfield } from '../domain/bitfield.ts'
import { pieceSize } from '../domain/manifest.ts'
import type { Delivery } from '../wire/agent-api.ts'
import type { SwarmPeer } from '../wire/tracker-api.ts'
import {
  createLedger,
  creditDelivery,
  type Ledger,
  noteAtStore,
  noteEnded,
  openLedger,
  roomForPieces,
} from './download-ledger.ts'
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
import { chooseLinks } from './link-choice.ts'
import { type PeerLinkInput, peerLinkMachine } from './peer-link.ts'
import type { PeerKey } from './swarm-protocol.ts'

interface DownloadContext extends DownloadInput {
  readonly ledger: Ledger
  readonly startedAtMs: number
  readonly ending: Ending | undefined
  /** Why it failed, or what it is waiting for. */
  readonly problem: Problem | undefined
}

const linkId = (peer: PeerKey) => `link:${peer}`

const brokenStore: Problem = {
  code: 'destination-unwritable',
  message: 'this download stopped by a fault of the agent; see its log, then shoal resume it',
}

function outputOf({ ending, problem }: DownloadContext): DownloadOutput {
  if (ending === undefined) throw new Error('bug: a download rests and nothing says why')
  return { ending, problem }
}

export const downloadMachine = setup({
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
    peerLink: peerLinkMachine,
  },
  delays: {
    /** Whoever starts at the same time is not known yet at the first look-up: soon again, then ever later. */
    locateEvery: ({ context: { now, startedAtMs } }) =>
      Math.min(Math.max(tunables.locateFirstMs, now() - startedAtMs), tunables.locateEveryMs),
    locateStalled: tunables.locateStalledMs,
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
      for (const step of chooseLinks(ledger, peers, now())) {
        const id = linkId(step.key)
        if (step.type === 'refresh') enqueue.sendTo(id, { type: 'peer.refreshed', peer: step.peer })
        else if (step.type === 'open') {
          const input: PeerLinkInput = { peer: step.peer, share: spec.share, manifest: spec.manifest, parent: self }
          enqueue.spawnChild('peerLink', { id, input })
        } else {
          if (step.goodbye !== undefined) enqueue.sendTo(id, { type: 'link.close', reason: step.goodbye })
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
      ledger.picker?.setCapacity(peer, Math.min(pieces, tunables.maxPiecesPerPeer), piecesPerSecond)
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
      else if (ledger.links.has(peer)) enqueue.sendTo(linkId(peer), { type: 'call.passed' })
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
      enqueue.sendTo(linkId(peer), { type: 'link.close', reason: `piece ${piece} from there is not what it should be` })
      enqueue.stopChild(linkId(peer))
    }),

    closeLinks: enqueueActions(({ context: { ledger }, enqueue }) => {
      for (const peer of ledger.links.keys()) {
        ledger.picker?.peerLeft(peer)
        enqueue.sendTo(linkId(peer), { type: 'link.close', reason: 'nothing more is wanted' })
        enqueue.stopChild(linkId(peer))
      }
      ledger.links.clear()
    }),

    noteProblem: enqueueActions(({ enqueue }, problem: Problem | undefined) => enqueue.assign({ problem })),
    end: enqueueActions(({ enqueue }, { ending, problem }: { ending: Ending; problem?: Problem }) =>
      enqueue.assign({ ending, problem }),
    ),
  },
}).createMachine({
  id: 'download',
  context: ({ input }) => ({
    ...input,
    ledger: createLedger(input),
    startedAtMs: input.now(),
    ending: undefined,
    problem: undefined,
  }),
  invoke: {
    id: 'store',
    src: 'store',
    input: ({ context }) => context.spec,
    onError: { target: '.failed', actions: { type: 'end', params: { ending: 'failed', problem: brokenStore } } },
  },
  on: {
    'download.pause': { target: '.settling', actions: { type: 'end', params: { ending: 'paused' } } },
    'download.cancel': { target: '.settling', actions: { type: 'end', params: { ending: 'cancelled' } } },
    'download.suspend': { target: '.settling', actions: { type: 'end', params: { ending: 'suspended' } } },
    'piece.verified': { actions: { type: 'creditPeer', params: ({ event }) => event } },
    'store.failed': {
      target: '.settling',
      actions: {
        type: 'end',
        params: ({ event: { code, message } }) => ({ ending: 'failed' as const, problem: { code, message } }),
      },
    },
  },
  initial: 'preparing',
  states: {
    /** The store looks at the destination and checks what the part file holds. */
    preparing: {
      on: {
        'store.ready': {
          target: 'fetching',
          actions: { type: 'openLedger', params: ({ event }) => ({ have: event.have }) },
        },
        'store.there': { target: 'settling', actions: { type: 'end', params: { ending: 'completed' } } },
      },
    },

    fetching: {
      invoke: {
        id: 'locator',
        src: 'locator',
        input: ({ context }) => context.spec,
        onError: {
          target: 'settling',
          actions: { type: 'end', params: { ending: 'failed', problem: brokenStore } },
        },
      },
      always: { guard: 'isWhole', target: 'verifying' },
      exit: 'closeLinks',
      initial: 'locating',
      on: {
        'swarm.changed': { actions: 'locate' },
        'peer.met': [
          {
            guard: { type: 'isStranger', params: ({ event }) => event },
            actions: [{ type: 'noteMet', params: ({ event }) => event }, 'locate'],
          },
          { actions: { type: 'noteMet', params: ({ event }) => event } },
        ],
        'swarm.located': {
          actions: [
            { type: 'noteSharers', params: ({ event }) => event },
            { type: 'connect', params: ({ event }) => ({ peers: event.peers }) },
            { type: 'noteProblem', params: undefined },
            'askForPieces',
          ],
        },
        'swarm.absent': {
          actions: [
            { type: 'connect', params: { peers: [] } },
            { type: 'noteProblem', params: ({ event: { code, message } }) => ({ code, message }) },
          ],
        },
        'swarm.unanswered': {
          actions: { type: 'noteProblem', params: ({ event: { code, message } }) => ({ code, message }) },
        },
        'swarm.refused': {
          target: 'settling',
          actions: {
            type: 'end',
            params: ({ event: { code, message } }) => ({ ending: 'failed' as const, problem: { code, message } }),
          },
        },
        'link.ready': { actions: [{ type: 'admitPeer', params: ({ event }) => event }, 'askForPieces'] },
        'link.have': { actions: [{ type: 'noteHave', params: ({ event }) => event }, 'askForPieces'] },
        'link.capacity': { actions: [{ type: 'noteCapacity', params: ({ event }) => event }, 'askForPieces'] },
        'link.lost': { actions: [{ type: 'loseLink', params: ({ event }) => event }, 'askForPieces'] },
        'piece.received': {
          actions: [
            {
              type: 'checkPiece',
              params: ({ event: { peer, piece, data } }) => ({ peer, piece, data }),
            },
            'askForPieces',
          ],
        },
        'piece.returned': [
          {
            guard: ({ event }) => event.why === 'declined',
            actions: [
              { type: 'noteReturned', params: ({ event }) => event },
              { type: 'answerCall', params: ({ event }) => event },
              'askForPieces',
            ],
          },
          { actions: [{ type: 'noteReturned', params: ({ event }) => event }, 'askForPieces'] },
        ],
        'link.called': { actions: [{ type: 'answerCall', params: ({ event }) => event }, 'askForPieces'] },
        'link.limited': { actions: { type: 'noteLimit', params: ({ event }) => event } },
        'link.fresh': { actions: { type: 'noteFresh', params: ({ event }) => event } },
        'piece.verified': { actions: [{ type: 'creditPeer', params: ({ event }) => event }, 'askForPieces'] },
        'piece.rejected': { actions: [{ type: 'dropPeer', params: ({ event }) => event }, 'askForPieces'] },
        /** A link that failed, instead of saying that it lost its peer. */
        'xstate.error.actor.*': {
          guard: {
            type: 'isLink',
            params: ({ event }: { event: { actorId: string } }) => event,
          },
          actions: [
            {
              type: 'loseLink',
              params: ({ event }: { event: { actorId: string } }) => ({
                peer: event.actorId.slice(linkId('').length),
                reason: 'the link failed',
                final: true,
              }),
            },
            'askForPieces',
          ],
        },
      },
      states: {
        locating: {
          always: [
            { guard: 'canProgress', target: 'transferring' },
            { guard: 'isHopeless', target: 'stalled' },
          ],
          entry: 'locate',
          after: { locateStalled: { target: 'locating', reenter: true } },
        },
        transferring: {
          always: { guard: 'isHopeless', target: 'stalled' },
          after: { locateEvery: { target: 'transferring', reenter: true, actions: 'locate' } },
        },
        /** Nothing can be fetched now: no peers, or nobody has what is missing. Goes on by itself. */
        stalled: {
          always: { guard: 'canProgress', target: 'transferring' },
          after: { locateStalled: { target: 'stalled', reenter: true, actions: 'locate' } },
        },
      },
    },

    /** Every piece is here: the whole file's SHA-1 and SHA-256. */
    verifying: {
      entry: sendTo('store', { type: 'whole.check' }),
      on: {
        'whole.right': 'finishing',
        'whole.wrong': {
          target: 'fetching',
          actions: { type: 'openLedger', params: ({ context }) => ({ have: context.ledger.have! }) },
        },
      },
    },

    /** Sync, rename, and the library: too short to be interrupted. */
    finishing: {
      entry: sendTo('store', { type: 'file.finish' }),
      on: {
        'download.pause': {},
        'download.cancel': {},
        'download.suspend': {},
        'file.finished': { target: 'settling', actions: { type: 'end', params: { ending: 'completed' } } },
      },
    },

    /** How it ends is decided; the store finishes its writes and closes. */
    settling: {
      entry: sendTo('store', ({ context }) => ({
        type: 'store.close' as const,
        discard: context.ending === 'cancelled',
      })),
      on: {
        'download.pause': {},
        'download.cancel': {},
        'download.suspend': {},
        'store.failed': {},
        'store.closed': [
          { guard: { type: 'isEnding', params: { ending: 'completed' } }, target: 'completed' },
          { guard: { type: 'isEnding', params: { ending: 'paused' } }, target: 'paused' },
          { guard: { type: 'isEnding', params: { ending: 'suspended' } }, target: 'suspended' },
          { guard: { type: 'isEnding', params: { ending: 'cancelled' } }, target: 'cancelled' },
          { guard: { type: 'isEnding', params: { ending: 'failed' } }, target: 'failed' },
        ],
      },
    },

    completed: { type: 'final' },
    paused: { type: 'final' },
    suspended: { type: 'final' },
    cancelled: { type: 'final' },
    failed: { type: 'final' },
  },
  exit: { type: 'recordEnding', params: ({ context }) => outputOf(context) },
  output: ({ context }) => outputOf(context),
})

export type DownloadSnapshot = ReturnType<typeof downloadMachine.getInitialSnapshot>
