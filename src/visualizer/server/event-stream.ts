// GET /api/events: a stream of events to every open page. While one is open, agents and trackers are told that it watches,
// and the cluster is sampled, once for all pages. A page that reads slowly misses samples; nothing is kept for it.

import type { ServerResponse } from 'node:http'
import { inspectionTunables } from '../../../config/inspection.ts'
import { visualizerTunables } from '../../../config/visualizer.ts'
import type { ClusterView, VisualizerEvent } from '../../wire/visualizer-api.ts'
import { type Watching, watcherSchema } from '../../wire/watching.ts'
import type { ViewSource } from './view-source.ts'

export class EventStream {
  readonly #source: Pick<ViewSource, 'connection' | 'watchSubject'>
  readonly #sampleCluster: () => Promise<ClusterView>
  /** Open pages, and the name under which each watches. */
  readonly #pages = new Map<ServerResponse, string>()
  #timers: readonly NodeJS.Timeout[] = []
  #isSampling = false
  #latest: ClusterView | undefined

  constructor(source: Pick<ViewSource, 'connection' | 'watchSubject'>, sampleCluster: () => Promise<ClusterView>) {
    this.#source = source
    this.#sampleCluster = sampleCluster
  }

  /** Answers one request, until the page closes it. */
  open(watcher: string | null, page: ServerResponse): void {
    const name = watcherSchema.safeParse(watcher)
    if (!name.success) refuse(page, 400, 'watcher: 32 hex digits')
    else if (this.#pages.size >= visualizerTunables.mostPages) refuse(page, 503, 'Too many pages are open.')
    else this.#add(name.data, page)
  }

  close(): void {
    this.#stopTimers()
    for (const page of this.#pages.keys()) page.destroy()
  }

  #add(watcher: string, page: ServerResponse): void {
    page.writeHead(200, { 'content-type': 'application/x-ndjson' })
    this.#pages.set(page, watcher)
    page.on('close', () => {
      this.#pages.delete(page)
      if (this.#pages.size === 0) this.#stopTimers()
    })
    this.#startTimers()
    this.#announce()
    send(page, { type: 'watching', watcher })
    if (this.#latest) send(page, { type: 'cluster', cluster: this.#latest })
    void this.#sendCluster()
  }

  #startTimers(): void {
    if (this.#timers.length > 0) return
    this.#timers = [
      setInterval(() => this.#announce(), inspectionTunables.watchEveryMs),
      setInterval(() => void this.#sendCluster(), visualizerTunables.clusterEveryMs),
      setInterval(() => this.#sendAll({ type: 'alive' }), visualizerTunables.aliveEveryMs),
    ]
  }

  #stopTimers(): void {
    for (const timer of this.#timers) clearInterval(timer)
    this.#timers = []
  }

  #announce(): void {
    const watching: Watching = { watchers: [...new Set(this.#pages.values())] }
    const { connection, watchSubject } = this.#source
    if (!connection.isClosed()) connection.publish(watchSubject, JSON.stringify(watching))
  }

  async #sendCluster(): Promise<void> {
    if (this.#isSampling) return
    this.#isSampling = true
    try {
      this.#latest = await this.#sampleCluster()
      this.#sendAll({ type: 'cluster', cluster: this.#latest })
    } finally {
      this.#isSampling = false
    }
  }

  #sendAll(event: VisualizerEvent): void {
    for (const page of this.#pages.keys()) send(page, event)
  }
}

function send(page: ServerResponse, event: VisualizerEvent): void {
  if (!page.writableNeedDrain) page.write(`${JSON.stringify(event)}\n`)
}

function refuse(page: ServerResponse, status: number, text: string): void {
  page.writeHead(status, { 'content-type': 'text/plain' }).end(`${text}\n`)
}
