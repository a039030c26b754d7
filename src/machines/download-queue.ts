// The downloads of one logged-in user on this device that are under way: some run, the others wait.
// At most downloadTunables.maxRunning run at once, in the order in which they were enqueued; each download is in exactly
// one of waiting and running. A run that breaks counts as failed and does not affect the others. Inactive downloads live in
// the library alone.

import {
  type ActorRefFrom,
  assign,
  type DoneActorEvent,
  type ErrorActorEvent,
  enqueueActions,
  sendTo,
  setup,
} from 'xstate'
import { downloadTunables } from '../../config/swarm.ts'
import { downloadMachine } from './download.ts'
import type { DownloadCommand, DownloadInput, DownloadOutput, DownloadSpec, Problem } from './download-protocol.ts'

export type DownloadQueueEvent =
  | { readonly type: 'download.enqueue'; readonly download: DownloadInput }
  | { readonly type: 'download.pause'; readonly id: number }
  | { readonly type: 'download.cancel'; readonly id: number }
  /** The downloads of this share, or all of them, ask the trackers again. */
  | { readonly type: 'swarm.changed'; readonly share?: string }
  | { readonly type: 'peer.admitted'; readonly share: string; readonly peer: string }
  /** Ends all runs so that the next session can continue them; the queue is done when the last run has ended. */
  | { readonly type: 'queue.suspend' }

export interface RunningDownload {
  readonly spec: DownloadSpec
  readonly actor: ActorRefFrom<typeof downloadMachine>
}

export interface DownloadQueueContext {
  readonly waiting: readonly DownloadInput[]
  /** By the download's number. */
  readonly running: ReadonlyMap<number, RunningDownload>
}

type RunEnded = DoneActorEvent<DownloadOutput> | ErrorActorEvent

export const runId = (id: number): string => `download-${id}`
const idOf = (run: string) => Number(run.slice('download-'.length))

const brokenRun: Problem = {
  code: 'destination-unwritable',
  message: 'this download stopped because of a fault in the agent; see its log, then resume the download',
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
    /** For a download that ends while it waits, or whose run broke. Provided by the actor. */
    recordEnding: (_, _ended: DownloadOutput & { id: number }) => {},
    /** Sends the queue the library's queued downloads. Provided by the actor. */
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
    startNext: assign(({ context: { waiting, running }, spawn }) => {
      const starting = waiting.slice(0, Math.max(0, downloadTunables.maxRunning - running.size))
      const started = starting.map(input => {
        const actor = spawn('download', { id: runId(input.spec.id), input })
        return [input.spec.id, { spec: input.spec, actor }] as const
      })
      return { waiting: waiting.slice(starting.length), running: new Map([...running, ...started]) }
    }),
    tellRun: sendTo(
      ({ context }, { id }: { id: number; command: DownloadCommand }) => context.running.get(id)!.actor,
      (_, { command }) => command,
    ),
    tellRuns: enqueueActions(
      ({ context, enqueue }, { share, command }: { share?: string | undefined; command: DownloadCommand }) => {
        for (const { spec, actor } of context.running.values())
          if (share === undefined || spec.share === share) enqueue.sendTo(actor, command)
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
            actions: {
              type: 'tellRun',
              params: ({ event: { id } }) => ({ id, command: { type: 'download.pause' as const } }),
            },
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
            actions: {
              type: 'tellRun',
              params: ({ event: { id } }) => ({ id, command: { type: 'download.cancel' as const } }),
            },
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
        'peer.admitted': {
          actions: {
            type: 'tellRuns',
            params: ({ event: { share, peer } }) => ({ share, command: { type: 'peer.admitted' as const, peer } }),
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
