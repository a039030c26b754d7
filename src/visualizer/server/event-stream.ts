// The pages that are open, each a stream of events: while there is one, agents and trackers are told that it watches, and
// the cluster is looked at, once for all. A page that reads slowly misses looks; nothing is kept for it.

import type { ServerResponse } from 'node:http'
import { inspectionTunables } from '../../../config/inspection.ts'
import { visualizerTunables } from '../../../config/visualizer.ts'
import type { ClusterView, VisualizerEvent } from '../../wire/visualizer-api.ts'
import { type Watching, watcherSchema } from '../../wire/watching.ts'
import type { ViewSource } from './view-source.ts'

const mostPages = 16

export function createPageWatch(
  source: Pick<ViewSource, 'connection' | 'watchSubject'>,
  look: () => Promise<ClusterView>,
) {
  const pages = new Map<ServerResponse, string>()
  let timers: NodeJS.Timeout[] = []
  let isLooking = false
  let latest: ClusterView | undefined

  const send = (page: ServerResponse, event: VisualizerEvent) => {
    if (!page.writableNeedDrain) page.write(`${JSON.stringify(event)}\n`)
  }
  const announce = () => {
    const watching: Watching = { watchers: [...new Set(pages.values())] }
    if (!source.connection.isClosed()) source.connection.publish(source.watchSubject, JSON.stringify(watching))
  }
  const tellCluster = async () => {
    if (isLooking) return
    isLooking = true
    try {
      latest = await look()
      for (const page of pages.keys()) send(page, { type: 'cluster', cluster: latest })
    } finally {
      isLooking = false
    }
  }
  const tellAlive = () => {
    for (const page of pages.keys()) send(page, { type: 'alive' })
  }
  const rest = () => {
    for (const timer of timers) clearInterval(timer)
    timers = []
  }

  return {
    /** Answers GET /api/events. */
    open(watcher: string | null, page: ServerResponse): void {
      const name = watcherSchema.safeParse(watcher)
      if (!name.success || pages.size >= mostPages) {
        page.writeHead(name.success ? 503 : 400, { 'content-type': 'text/plain' }).end('watcher: 32 hex digits\n')
        return
      }
      page.writeHead(200, { 'content-type': 'application/x-ndjson' })
      pages.set(page, name.data)
      page.on('close', () => {
        pages.delete(page)
        if (pages.size === 0) rest()
      })
      if (timers.length === 0)
        timers = [
          setInterval(announce, inspectionTunables.watchEveryMs),
          setInterval(() => void tellCluster(), visualizerTunables.clusterEveryMs),
          setInterval(tellAlive, visualizerTunables.aliveEveryMs),
        ]
      announce()
      send(page, { type: 'watching', watcher: name.data })
      if (latest) send(page, { type: 'cluster', cluster: latest })
      void tellCluster()
    },
    close(): void {
      rest()
      for (const page of pages.keys()) page.destroy()
    },
  }
}
