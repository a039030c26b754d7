// Handles each request of the agent's user (wire/agent-api.ts).

import { setTimeout as delay } from 'node:timers/promises'
import { agentApiTunables } from '../../../config/client.ts'
import type { DeviceRef } from '../../domain/device-ref.ts'
import { done, refuse } from '../../domain/refusal.ts'
import type { UploadsStatus } from '../../machines/uploads.ts'
import type { AgentHandlers } from './agent-api.ts'
import type { DeviceLimits } from './device-limits.ts'
import { isInactive } from './download-view.ts'
import type { Downloads } from './downloads.ts'
import type { ShareRegistry } from './share-registry.ts'

export interface HandlerNeeds {
  readonly by: DeviceRef
  readonly shareRegistry: ShareRegistry
  readonly downloads: Downloads
  readonly limits: DeviceLimits
  /** Tells the uploads actor how many peers it may serve at once now. */
  limitSessions(): void
  /** Undefined while the uploads actor starts. `failure` says why it cannot listen. */
  serving():
    | { readonly status: UploadsStatus; readonly peers: readonly string[] }
    | { readonly failure: string }
    | undefined
  /** Resolves when the whole session is closed except its connection. */
  logOut(): Promise<void>
}

export function createAgentHandlers(needs: HandlerNeeds): AgentHandlers {
  const { by, shareRegistry, downloads, limits, limitSessions, serving, logOut } = needs

  /** Polls `read` a few times a second until it returns a value. Rejects when the client is gone. */
  const watch = async <T>(signal: AbortSignal, read: () => T | undefined): Promise<T> => {
    for (;;) {
      const found = read()
      if (found !== undefined) return found
      await delay(agentApiTunables.watchEveryMs, undefined, { signal })
    }
  }

  return {
    async status(_, { signal }) {
      const uploads = await watch(signal, serving)
      const isOpen = 'status' in uploads
      return done({
        ...by,
        pid: process.pid,
        listen: isOpen ? `${uploads.status.listen.host}:${uploads.status.listen.port}` : 'nowhere',
        ...(isOpen ? {} : { listenFailure: uploads.failure }),
        uptimeSeconds: Math.floor(process.uptime()),
        sharing: shareRegistry.sharing,
        downloads: downloads.running,
        peers: new Set([...(isOpen ? uploads.peers : []), ...downloads.connectedPeers()]).size,
        memoryBytes: process.memoryUsage.rss(),
        limits: limits.current,
        troubles: shareRegistry.troubles.map(({ message }) => message),
      })
    },

    share: (params, { progress, signal }) =>
      shareRegistry.share(params, { signal, onProgress: (hashedBytes, size) => progress({ hashedBytes, size }) }),
    unshare: params => shareRegistry.unshare(params),

    download: params => downloads.add(params),
    downloads: async () => done(downloads.views()),
    pause: ({ id }) => downloads.pause(id),
    resume: ({ id }) => downloads.resume(id),
    cancel: ({ id }) => downloads.cancel(id),

    'download.follow'({ id }, { progress, signal }) {
      let sent = ''
      return watch(signal, () => {
        const view = downloads.view(id)
        if (!view) return refuse('no-such-download', `there is no download ${id} on this device; see shoal downloads`)
        if (isInactive(view.state)) return done(view)
        const text = JSON.stringify(view)
        if (text !== sent) progress(view)
        sent = text
        return undefined
      })
    },

    'downloads.watch'(_, { progress, signal }) {
      let sent = ''
      return watch<never>(signal, () => {
        const views = downloads.views()
        const text = JSON.stringify(views)
        if (text !== sent) progress(views)
        sent = text
        return undefined
      })
    },

    'troubles.watch'(_, { progress, signal }) {
      let known = new Set(shareRegistry.troubles)
      return watch<never>(signal, () => {
        for (const trouble of shareRegistry.troubles) if (!known.has(trouble)) progress(trouble.message)
        known = new Set(shareRegistry.troubles)
        return undefined
      })
    },

    limits: async () => done(limits.current),
    async 'limits.change'(change) {
      limits.change(change)
      limitSessions()
      return done(limits.current)
    },

    async logout() {
      await logOut()
      return done({})
    },
  }
}
