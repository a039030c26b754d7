// The downloads of one logged-in person on this device that are not at rest: some run, the others wait their turn.
// At most download.maxRunning run at once, first come first served; each is in exactly one of waiting and running.
// A run that breaks counts as failed and takes no other down. What is at rest lives in the library alone.

import { assign, type DoneActorEvent, type ErrorActorEvent, enqueueActions, sendTo, setup } from 'xstate'
import { downloadTunables } from '../../config/swarm.ts'
import { downloadMachine } from './download.ts'
import type { DownloadCommand, DownloadInput, DownloadOutput, Problem } from './download-protocol.ts'

export type DownloadQueueEvent =
  | { readonly type: 'download.enqueue'; readonly download: DownloadInput }
  | { readonly type: 'download.pause'; readonly id: number }
  | { readonly type: 'download.cancel'; readonly id: number }
  /** Of one share, or of all: ask the trackers again. */
  | { readonly type: 'swarm.changed'; readonly share?: string }
  | { readonly type: 'peer.met'; readonly share: string; readonly peer: string }
  /** Put all to rest such that the next session goes on with them; done when the last one rests. */
  | { readonly type: 'queue.suspend' }

export interface DownloadQueueContext {
  readonly waiting: readonly DownloadInput[]
  readonly running: ReadonlyMap<number, DownloadInput>
}

type RunEnded = DoneActorEvent<DownloadOutput> | ErrorActorEvent

export const runId = (id: number): string => `download-${id}`
const idOf = (run: string) => Number(run.slice('download-'.length))

const brokenRun: Problem = {
  code: 'destination-unwritable',
  message: 'this download stopped by a fault of the agent; see its log, then resume it',
}

export const downloadQueueMachine = setup({
  types: { context: {} as DownloadQueueContext, events: {} as DownloadQueueEvent | RunEnded },
  actors: { download: downloadMachine },
  guards: {
    isIdle: ({ context }) => context.running.size === 0,
    isRunning: ({ context }, { id }: { id: number }) => context.running.has(id),
    isWaiting: ({ context }, { id }: { id: number }) => context.waiting.some(download => download.spec.id === id),
  },
  actions: {
    /** Makes this queue known to its port. Provided by the actor. */
    attach: (_, _none: undefined) => {},
    /** A download that was waiting goes to rest, or a run broke. Provided by the actor. */
    recordEnding: (_, _ended: DownloadOutput & { id: number }) => {},
    /** Sends itself what the library has under way. Provided by the actor. */
    enqueueUnfinished: (_, _none: undefined) => {},

    enqueue: assign({
      waiting: ({ context: { waiting, running } }, { download }: { download: DownloadInput }) =>
        running.has(download.spec.id) || waiting.some(other => other.spec.id === download.spec.id)
          ? waiting
          : [...waiting, download],
    }),
    unqueue: assign({
      waiting: ({ context }, { id }: { id: number }) => context.waiting.filter(download => download.spec.id !== id),
    }),
    startNext: enqueueActions(({ context: { waiting, running }, enqueue }) => {
      const starting = waiting.slice(0, Math.max(0, downloadTunables.maxRunning - running.size))
      for (const download of starting) enqueue.spawnChild('download', { id: runId(download.spec.id), input: download })
      enqueue.assign({
        waiting: waiting.slice(starting.length),
        running: new Map([...running, ...starting.map(download => [download.spec.id, download] as const)]),
      })
    }),
    tellRun: sendTo(
      (_, { id }: { id: number; type: DownloadCommand['type'] }) => runId(id),
      (_, { type }) => ({ type }),
    ),
    tellRuns: enqueueActions(
      ({ context, enqueue }, { share, command }: { share?: string | undefined; command: DownloadCommand }) => {
        for (const { spec } of context.running.values())
          if (share === undefined || spec.share === share) enqueue.sendTo(runId(spec.id), command)
      },
    ),
    forgetRun: enqueueActions(({ context, enqueue }, { run }: { run: string }) => {
      enqueue.stopChild(run)
      enqueue.assign({ running: new Map([...context.running].filter(([id]) => id !== idOf(run))) })
    }),
  },
}).createMachine({
  id: 'download-queue',
  context: { waiting: [], running: new Map() },
  entry: 'attach',
  initial: 'serving',
  states: {
    serving: {
      entry: 'enqueueUnfinished',
      on: {
        'download.enqueue': {
          actions: [{ type: 'enqueue', params: ({ event }) => ({ download: event.download }) }, 'startNext'],
        },
        'download.pause': [
          {
            guard: { type: 'isRunning', params: ({ event }) => event },
            actions: { type: 'tellRun', params: ({ event: { id } }) => ({ id, type: 'download.pause' as const }) },
          },
          {
            guard: { type: 'isWaiting', params: ({ event }) => event },
            actions: [
              { type: 'unqueue', params: ({ event }) => event },
              {
                type: 'recordEnding',
                params: ({ event: { id } }) => ({ id, ending: 'paused' as const, problem: undefined }),
              },
            ],
          },
        ],
        'download.cancel': [
          {
            guard: { type: 'isRunning', params: ({ event }) => event },
            actions: { type: 'tellRun', params: ({ event: { id } }) => ({ id, type: 'download.cancel' as const }) },
          },
          {
            guard: { type: 'isWaiting', params: ({ event }) => event },
            actions: [
              { type: 'unqueue', params: ({ event }) => event },
              {
                type: 'recordEnding',
                params: ({ event: { id } }) => ({ id, ending: 'cancelled' as const, problem: undefined }),
              },
            ],
          },
        ],
        'peer.met': {
          actions: {
            type: 'tellRuns',
            params: ({ event: { share, peer } }) => ({ share, command: { type: 'peer.met' as const, peer } }),
          },
        },
        'swarm.changed': {
          actions: {
            type: 'tellRuns',
            params: ({ event: { share } }) => ({ share, command: { type: 'swarm.changed' as const } }),
          },
        },
        'queue.suspend': 'suspending',
        'xstate.done.actor.*': {
          actions: [{ type: 'forgetRun', params: ({ event }) => ({ run: event.actorId }) }, 'startNext'],
        },
        'xstate.error.actor.*': {
          actions: [
            {
              type: 'recordEnding',
              params: ({ event }) => ({ id: idOf(event.actorId), ending: 'failed' as const, problem: brokenRun }),
            },
            { type: 'forgetRun', params: ({ event }) => ({ run: event.actorId }) },
            'startNext',
          ],
        },
      },
    },
    suspending: {
      entry: [assign({ waiting: [] }), { type: 'tellRuns', params: { command: { type: 'download.suspend' } } }],
      always: { guard: 'isIdle', target: 'suspended' },
      on: {
        'xstate.done.actor.*': { actions: { type: 'forgetRun', params: ({ event }) => ({ run: event.actorId }) } },
        'xstate.error.actor.*': { actions: { type: 'forgetRun', params: ({ event }) => ({ run: event.actorId }) } },
      },
    },
    suspended: { type: 'final' },
  },
})
