// One run of a download, from its record in the library until it is completed, paused, suspended, failed or cancelled. The
// machine decides; the store owns the part file and checks every piece, the locator asks the trackers, and one session talks
// to each peer. A restart begins from the library, never from a snapshot of this machine. Actions: download-actions.ts; the
// flow of pieces and peers: README.md.

import { sendTo } from 'xstate'
import { type DownloadContext, downloadSetup, peerOfSession } from './download-actions.ts'
import { createLedger } from './download-ledger.ts'
import type { DownloadOutput, Problem } from './download-protocol.ts'

const brokenStore: Problem = {
  code: 'destination-unwritable',
  message: 'this download stopped because of a fault in the agent; see its log, then resume the download',
}

function outputOf({ ending, problem }: DownloadContext): DownloadOutput {
  if (ending === undefined) throw new Error('bug: a download ended without an ending')
  return { ending, problem }
}

export const downloadMachine = downloadSetup.createMachine({
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
    /** The store inspects the destination and checks the pieces in the part file. */
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
      always: { guard: 'isComplete', target: 'verifying' },
      exit: 'closeSessions',
      initial: 'locating',
      on: {
        'swarm.changed': { actions: 'locate' },
        'peer.admitted': [
          {
            guard: { type: 'hasNoSession', params: ({ event }) => event },
            actions: [{ type: 'addFetcher', params: ({ event }) => event }, 'locate'],
          },
          { actions: { type: 'addFetcher', params: ({ event }) => event } },
        ],
        'swarm.located': {
          actions: [
            { type: 'setSharers', params: ({ event }) => event },
            { type: 'connect', params: ({ event }) => ({ peers: event.peers }) },
            { type: 'setProblem', params: undefined },
            'askForPieces',
          ],
        },
        'swarm.absent': {
          actions: [
            { type: 'connect', params: { peers: [] } },
            { type: 'setProblem', params: ({ event: { code, message } }) => ({ code, message }) },
          ],
        },
        'swarm.unanswered': {
          actions: { type: 'setProblem', params: ({ event: { code, message } }) => ({ code, message }) },
        },
        'swarm.refused': {
          target: 'settling',
          actions: {
            type: 'end',
            params: ({ event: { code, message } }) => ({ ending: 'failed' as const, problem: { code, message } }),
          },
        },
        'peer.ready': { actions: [{ type: 'admitPeer', params: ({ event }) => event }, 'askForPieces'] },
        'peer.have': { actions: [{ type: 'addPeerPiece', params: ({ event }) => event }, 'askForPieces'] },
        'peer.capacity': { actions: [{ type: 'setCapacity', params: ({ event }) => event }, 'askForPieces'] },
        'peer.lost': { actions: [{ type: 'loseSession', params: ({ event }) => event }, 'askForPieces'] },
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
              { type: 'returnPiece', params: ({ event }) => event },
              { type: 'answerUnchoke', params: ({ event }) => event },
              'askForPieces',
            ],
          },
          { actions: [{ type: 'returnPiece', params: ({ event }) => event }, 'askForPieces'] },
        ],
        'peer.unchoked': { actions: [{ type: 'answerUnchoke', params: ({ event }) => event }, 'askForPieces'] },
        'peer.limited': { actions: { type: 'setPeerLimit', params: ({ event }) => event } },
        'peer.fresh': { actions: { type: 'setFresh', params: ({ event }) => event } },
        'piece.verified': { actions: [{ type: 'creditPeer', params: ({ event }) => event }, 'askForPieces'] },
        'piece.rejected': { actions: [{ type: 'dropPeer', params: ({ event }) => event }, 'askForPieces'] },
        /** A session crashed without reporting `peer.lost`. */
        'xstate.error.actor.*': {
          guard: {
            type: 'isSession',
            params: ({ event }: { event: { actorId: string } }) => event,
          },
          actions: [
            {
              type: 'loseSession',
              params: ({ event }: { event: { actorId: string } }) => ({
                peer: peerOfSession(event.actorId),
                reason: 'its session failed',
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
            { guard: 'isStuck', target: 'stalled' },
          ],
          entry: 'locate',
          after: { locateStalled: { target: 'locating', reenter: true } },
        },
        transferring: {
          always: { guard: 'isStuck', target: 'stalled' },
          after: { locateEvery: { target: 'transferring', reenter: true, actions: 'locate' } },
        },
        /** No peer has a missing piece, or there are no peers. Resumes by itself. */
        stalled: {
          always: { guard: 'canProgress', target: 'transferring' },
          after: { locateStalled: { target: 'stalled', reenter: true, actions: 'locate' } },
        },
      },
    },

    /** All pieces are verified; the store checks the whole file's SHA-1 and SHA-256. */
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

    /** The store syncs and renames the file. Too short to be interrupted. */
    finishing: {
      entry: sendTo('store', { type: 'file.finish' }),
      on: {
        'download.pause': {},
        'download.cancel': {},
        'download.suspend': {},
        'file.finished': { target: 'settling', actions: { type: 'end', params: { ending: 'completed' } } },
      },
    },

    /** The ending is decided. The store finishes its writes and closes. */
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
