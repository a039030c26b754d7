// One run of one download: from its entry in the library to a resting state (completed, paused, failed, cancelled).
// It decides; the store owns the part file and checks every piece, the locator asks the trackers, a link each talks to
// the peers. A restart begins from the library, never from a snapshot of this. Sets and flows: README.md beside it.

import { type CallbackActorLogic, enqueueActions, sendTo, setup } from 'xstate'
import { link, download as tunables } from '../../config/tunables.ts'
import type { Bitfield } from '../domain/bitfield.ts'
import { sharerKey } from '../domain/group.ts'
import { pieceSize } from '../domain/manifest.ts'
import { createPiecePicker, type PiecePicker } from '../domain/piece-picker.ts'
import { createRateMeter, type RateMeter } from '../domain/rate-meter.ts'
import { createRequestWindow, type RequestWindow } from '../domain/request-window.ts'
import type { Delivery } from '../wire/agent-api.ts'
import type { SwarmPeer } from '../wire/tracker-api.ts'
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
import { type PeerLinkInput, peerLinkMachine } from './peer-link.ts'
import type { PeerKey } from './swarm-protocol.ts'

interface LinkEntry {
  /** Since the look-up before the last: connected, or has brought a right piece. */
  isOfUse: boolean
  state: 'connecting' | 'ready' | 'lost'
  /** Why it was lost last. */
  reason: string
}

/** What this run knows, changed in place by the machine's own actions alone: pieces come too often to copy it. */
interface Ledger {
  picker: PiecePicker | undefined
  have: Bitfield | undefined
  /** How much is asked for ahead. */
  window: RequestWindow | undefined
  readonly links: Map<PeerKey, LinkEntry>
  /** They fetch the same from us. */
  readonly met: Set<PeerKey>
  /** Sent a piece that was wrong: not connected to again in this run. */
  readonly dropped: Set<PeerKey>
  /** Links that ended for good, in a row without a right piece, and when the peer may be tried anew (ms of `now`). */
  readonly ended: Map<PeerKey, { readonly times: number; readonly againAtMs: number }>
  /** Received and at the store. */
  checking: number
  fetchedBytes: number
  /** By peer and way. */
  readonly deliveries: Map<string, Delivery>
  readonly vias: Map<PeerKey, Delivery['via']>
  readonly meter: RateMeter
  isLocated: boolean
}

interface DownloadContext extends DownloadInput {
  readonly ledger: Ledger
  readonly startedAtMs: number
  readonly ending: Ending | undefined
  /** Why it failed, or what it is waiting for. */
  readonly problem: Problem | undefined
}

const linkId = (peer: PeerKey) => `link:${peer}`

/** Pieces that may be asked for or unwritten at once; four at least, or large pieces would come from one peer. */
const budgetPieces = ({ spec, running }: DownloadInput) =>
  Math.max(4, Math.floor(tunables.maxUnwrittenBytes / running() / spec.manifest.pieceLength))

/** The first time at once, for a fresh ticket may be all that it takes. */
const restMs = (times: number) =>
  times <= 1 ? 0 : Math.min(link.retryFirstMs * 2 ** (times - 1), link.retryEndedMostMs)

/** Peers that take up room and have brought nothing for a look-up or two, nor are asked for anything; oldest first. */
const idlersOf = ({ links, picker }: Ledger): PeerKey[] =>
  [...links.keys()].filter(key => !links.get(key)!.isOfUse && (picker?.inFlightAt(key).length ?? 0) === 0)

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

    openLedger: ({ context }, { have }: { have: Bitfield }) => {
      context.ledger.isLocated = false
      context.ledger.checking = 0
      context.ledger.have = have
      context.ledger.picker = createPiecePicker({ verified: have })
      const { pieceLength } = context.spec.manifest
      context.ledger.window = createRequestWindow({
        pieceLength,
        aheadMs: tunables.aheadMs,
        leastPieces: tunables.leastPiecesInFlight,
        mostPieces: budgetPieces(context),
      })
    },

    locate: sendTo('locator', { type: 'swarm.locate' }),

    connect: enqueueActions(({ context, enqueue, self }, { peers }: { peers: readonly SwarmPeer[] }) => {
      const { ledger, spec } = context
      ledger.isLocated = true
      ledger.picker?.forgive()
      const located = new Map(peers.map(peer => [sharerKey(peer), peer]))
      const mayTry = (key: PeerKey) =>
        !ledger.dropped.has(key) && (ledger.ended.get(key)?.againAtMs ?? 0) <= context.now()
      /** Lets one go that delivers nothing now and does not fetch from us. */
      const makeRoom = () => {
        const isIdle = (key: PeerKey) => !ledger.met.has(key) && ledger.picker?.inFlightAt(key).length === 0
        const key = [...ledger.links.keys()].find(isIdle)
        if (key === undefined) return false
        ledger.links.delete(key)
        ledger.picker?.peerLeft(key)
        enqueue.sendTo(linkId(key), { type: 'link.close', reason: 'others need us more' })
        enqueue.stopChild(linkId(key))
        return true
      }
      for (const [key, link] of ledger.links) {
        if (located.has(key) || link.state === 'ready') continue
        ledger.links.delete(key)
        enqueue.stopChild(linkId(key))
      }
      const untried = [...located.keys()].filter(key => !ledger.links.has(key) && mayTry(key))
      const lacking = ledger.links.size + untried.length - tunables.maxPeers
      for (const key of idlersOf(ledger).slice(0, Math.max(0, Math.min(lacking, tunables.givingWayAtOnce)))) {
        ledger.picker?.peerLeft(key)
        ledger.links.delete(key)
        located.delete(key)
        enqueue.stopChild(linkId(key))
      }
      for (const link of ledger.links.values()) link.isOfUse = false
      // By chance, or everybody in a large swarm would ask the same few; who fetches from us finds room, or who comes
      // last would be asked by nobody.
      const shuffled = [...located].map(each => ({ each, at: Math.random() })).sort((one, two) => one.at - two.at)
      for (const [key, peer] of shuffled.map(({ each }) => each)) {
        if (ledger.links.has(key)) enqueue.sendTo(linkId(key), { type: 'peer.refreshed', peer })
        else if (mayTry(key) && (ledger.links.size < tunables.maxPeers || (ledger.met.has(key) && makeRoom()))) {
          ledger.links.set(key, { isOfUse: true, state: 'connecting', reason: '' })
          const input: PeerLinkInput = { peer, share: spec.share, manifest: spec.manifest, parent: self }
          enqueue.spawnChild('peerLink', { id: linkId(key), input })
        }
      }
    }),

    /** Asks links for as many pieces as there is room for. */
    askForPieces: enqueueActions(({ context, enqueue }) => {
      const { ledger, now } = context
      const { picker, window } = ledger
      if (!picker || !window) return
      const nowMs = now()
      const room = budgetPieces(context) - picker.inFlight - ledger.checking
      const ahead = window.pieces - picker.inFlightSince(nowMs - tunables.slowPieceMs)
      for (const { peer, piece } of picker.assign(Math.min(room, ahead), nowMs))
        enqueue.sendTo(linkId(peer), { type: 'piece.wanted', piece })
    }),

    admitPeer: (
      { context: { ledger } },
      { peer, have, via }: { peer: PeerKey; have: Bitfield; via: Delivery['via'] },
    ) => {
      const link = ledger.links.get(peer)
      if (!link) return
      link.state = 'ready'
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
    noteMet: ({ context: { ledger } }, { peer }: { peer: PeerKey }) => {
      ledger.met.add(peer)
    },
    /** A place is kept for us there, but not for long. */
    answerCall: enqueueActions(({ context, enqueue }, { peer }: { peer: PeerKey }) => {
      const { ledger, now } = context
      const { picker, window } = ledger
      if (!picker || !window) return
      const nowMs = now()
      const room = budgetPieces(context) - picker.inFlight - ledger.checking
      const ahead = 2 * window.pieces - picker.inFlightSince(nowMs - tunables.slowPieceMs)
      const request = picker.called(peer, room > 0 && ahead > 0, nowMs)
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
        const times = (ledger.ended.get(peer)?.times ?? 0) + 1
        ledger.ended.set(peer, { times, againAtMs: now() + restMs(times) })
        ledger.links.delete(peer)
        enqueue.stopChild(linkId(peer))
      },
    ),

    checkPiece: enqueueActions(
      ({ context: { ledger, spec, now }, enqueue }, event: { peer: PeerKey; piece: number; data: Buffer }) => {
        ledger.fetchedBytes += event.data.length
        ledger.window?.received(event.data.length, now())
        const received = ledger.picker?.received(event.peer, event.piece)
        if (!received?.fresh) return enqueue.sendTo('store', { type: 'piece.wasted', bytes: event.data.length })
        for (const other of received.unwanted)
          enqueue.sendTo(linkId(other), { type: 'piece.unwanted', piece: event.piece })
        if (event.data.length !== pieceSize(spec.manifest, event.piece))
          throw new Error(`bug: a link delivered ${event.data.length} bytes as piece ${event.piece}`)
        ledger.checking += 1
        const via = ledger.vias.get(event.peer) ?? 'direct'
        enqueue.sendTo('store', { ...event, type: 'piece.check', via })
      },
    ),

    creditPeer: ({ context }, { peer, piece }: { peer: PeerKey; piece: number }) => {
      const { ledger, spec } = context
      ledger.checking -= 1
      ledger.picker?.verified(piece)
      ledger.ended.delete(peer)
      const link = ledger.links.get(peer)
      if (link) link.isOfUse = true
      const bytes = pieceSize(spec.manifest, piece)
      ledger.meter.add(bytes, context.now())
      const slash = peer.indexOf('/')
      const via = ledger.vias.get(peer) ?? 'direct'
      const before = ledger.deliveries.get(`${peer} ${via}`)
      ledger.deliveries.set(`${peer} ${via}`, {
        user: peer.slice(0, slash),
        device: peer.slice(slash + 1),
        pieces: (before?.pieces ?? 0) + 1,
        bytes: (before?.bytes ?? 0) + bytes,
        via,
      })
    },

    dropPeer: enqueueActions(({ context: { ledger }, enqueue }, { peer, piece }: { peer: PeerKey; piece: number }) => {
      ledger.checking -= 1
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
    ledger: {
      picker: undefined,
      have: undefined,
      window: undefined,
      links: new Map(),
      met: new Set(),
      dropped: new Set(),
      ended: new Map(),
      checking: 0,
      fetchedBytes: input.spent.fetchedBytes,
      deliveries: new Map(input.spent.deliveries.map(each => [`${sharerKey(each)} ${each.via}`, each])),
      vias: new Map(),
      meter: createRateMeter(),
      isLocated: false,
    },
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
