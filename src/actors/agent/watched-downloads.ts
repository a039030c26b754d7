// Downloads as watchers see them: those that run, and the last state of those that ended lately, so that watchers see the
// last piece arrive and which peer each piece came from.

import { inspectionTunables } from '../../../config/inspection.ts'
import { RecentMap } from '../../domain/recent-map.ts'
import type { DownloadSnapshot } from '../../machines/download.ts'
import type { DownloadQueuePort } from '../../machines/download-queue-port.ts'
import type { DownloadView, Limits } from '../../wire/agent-api.ts'
import { isInactive } from './download-view.ts'
import { type InspectableDownload, noLimits, showDownload, showEnded } from './inspectable-download.ts'

export class WatchedDownloads {
  readonly #queue: Pick<DownloadQueuePort, 'runs'>
  readonly #view: (id: number) => DownloadView | undefined
  readonly #ended: RecentMap<number, InspectableDownload>

  /** `view` is how the user sees a download now. */
  constructor(
    queue: Pick<DownloadQueuePort, 'runs'>,
    view: (id: number) => DownloadView | undefined,
    keptEnded: number = inspectionTunables.keptEndedDownloads,
  ) {
    this.#queue = queue
    this.#view = view
    this.#ended = new RecentMap(keptEnded)
  }

  /** When a run has ended, and that is recorded. */
  keepEnded(context: DownloadSnapshot['context']): void {
    const { id } = context.spec
    this.#ended.set(id, showDownload({ view: this.#view(id)!, context, actor: null, limits: noLimits, connections: 0 }))
  }

  /** Device keys, one for each connection. */
  connectedPeers(): string[] {
    return this.#queue.runs().flatMap(({ snapshot }) => {
      const { sessions } = snapshot.context.ledger
      return [...sessions].filter(([, { state }]) => state === 'ready').map(([peer]) => peer)
    })
  }

  /** One for each download: a run takes the place of the one before it. */
  shown(limits: Limits): InspectableDownload[] {
    const connections = this.connectedPeers().length
    const shown = new Map<number, InspectableDownload>()
    for (const [id, last] of this.#ended) shown.set(id, showEnded(last, this.#view(id)!, limits))
    for (const { actor, snapshot } of this.#queue.runs()) {
      const { context } = snapshot
      const { id } = context.spec
      const view = this.#view(id)
      if (view && !isInactive(view.state)) shown.set(id, showDownload({ view, context, actor, limits, connections }))
    }
    return [...shown.values()]
  }
}
