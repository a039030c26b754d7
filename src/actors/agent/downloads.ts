// The downloads of the user who is logged in, put together from their parts: inactive ones are records of the library
// (inactive-downloads.ts), the others are with the queue, which runs them (machines/download-queue.ts).

import type { Logger } from 'pino'
import { downloadTunables } from '../../../config/swarm.ts'
import { RecentMap } from '../../domain/recent-map.ts'
import type { Outcome } from '../../domain/refusal.ts'
import { downloadMachine } from '../../machines/download.ts'
import { downloadQueueMachine } from '../../machines/download-queue.ts'
import { DownloadQueuePort } from '../../machines/download-queue-port.ts'
import type { Library } from '../../storage/library.ts'
import type { AgentParams, DownloadView, Limits } from '../../wire/agent-api.ts'
import type { TrackerClient } from '../client/tracker-client.ts'
import { provideDownloadSession } from '../swarm/download-session.ts'
import type { PeerConnectionNeeds } from '../swarm/peer-connection.ts'
import { DownloadControl } from './download-control.ts'
import { downloadInputOf } from './download-input.ts'
import { DownloadStart } from './download-start.ts'
import { createDownloadStore } from './download-store.ts'
import { createInactiveDownloads } from './inactive-downloads.ts'
import type { InspectableDownload } from './inspectable-download.ts'
import { createLocator } from './locator.ts'
import type { OfferTable } from './offer-table.ts'
import type { ShareRegistry } from './share-registry.ts'
import { WatchedDownloads } from './watched-downloads.ts'

export interface DownloadsNeeds {
  readonly user: string
  readonly library: Library
  readonly trackers: TrackerClient
  readonly offers: OfferTable
  readonly shareRegistry: Pick<ShareRegistry, 'adopt'>
  readonly peers: PeerConnectionNeeds
  readonly log: Logger
}

export interface Downloads {
  /** The queue with its actors provided; it begins with the library's queued downloads. */
  readonly logic: typeof downloadQueueMachine
  add(params: AgentParams<'download'>): Promise<Outcome<DownloadView>>
  pause(id: number): Promise<Outcome<DownloadView>>
  resume(id: number): Promise<Outcome<DownloadView>>
  cancel(id: number): Promise<Outcome<DownloadView>>
  /** Undefined when this user has no such download here. */
  view(id: number): DownloadView | undefined
  views(): DownloadView[]
  /** How many run: neither inactive nor waiting. */
  readonly running: number
  /** Nothing more is recorded: the next session's downloads are not these. */
  close(): void
  /** For watchers. */
  shown(limits: Limits): InspectableDownload[]
  /** Device keys of the peers that running downloads are connected to. */
  connectedPeers(): string[]
}

export function createDownloads(needs: DownloadsNeeds): Downloads {
  const { user, library, trackers, log } = needs
  const inactive = createInactiveDownloads(user, library, log)
  const queue = new DownloadQueuePort()
  const control = new DownloadControl({ library, inactive, queue })
  const start = new DownloadStart({ user, library, trackers, inactive, control })
  const watched = new WatchedDownloads(queue, id => control.view(id))

  const logic = downloadQueueMachine.provide({
    actors: {
      download: downloadMachine.provide({
        actors: {
          store: createDownloadStore(needs),
          locator: createLocator({ trackers, lastSwarms: new RecentMap(downloadTunables.lastSwarms) }),
          downloadSession: provideDownloadSession(needs.peers),
        },
        actions: {
          recordEnding: ({ context }, output) => {
            inactive.recordEnding(context.spec.id, output, context.now() - context.startedAtMs)
            watched.keepEnded(context)
          },
        },
      }),
    },
    actions: {
      attach: ({ self }) => queue.attach(self),
      recordEnding: (_, { id, ...ended }) => inactive.recordEnding(id, ended, 0),
      enqueueUnfinished: ({ self }) => {
        for (const { id, state } of library.unfinishedDownloads(user))
          if (state === 'queued')
            self.send({ type: 'download.enqueue', download: downloadInputOf(library.download(id)!, queue) })
      },
    },
  })

  return {
    logic,
    add: params => start.add(params),
    pause: id => control.pause(id),
    resume: id => control.resume(id),
    cancel: id => control.cancel(id),
    view: id => control.view(id),
    views: () => control.views(),
    get running() {
      return queue.running
    },
    close: inactive.close,
    shown: limits => watched.shown(limits),
    connectedPeers: () => watched.connectedPeers(),
  }
}
