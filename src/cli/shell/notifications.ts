// What the prompt tells a person unasked: notices of the trackers, over the connection of the logged-in user; downloads that
// end and files no longer shared, from this device's agent. Every tracker sends each notice; the first copy is shown.

import type { Subscription } from 'nats'
import { shellTunables } from '../../../config/client.ts'
import type { AgentClient } from '../../actors/client/agent-client.ts'
import { formatBytes } from '../../domain/quantities.ts'
import { RecentMap } from '../../domain/recent-map.ts'
import type { DownloadView } from '../../wire/agent-api.ts'
import { readJson } from '../../wire/json.ts'
import { type Notice, noticeSchema } from '../../wire/notice.ts'
import { noticeSubject } from '../../wire/subjects.ts'
import type { DeviceConnection } from '../device-connection.ts'

export class Notifications {
  readonly #say: (line: string) => void
  readonly #muted = new Set<number>()
  #connection: DeviceConnection | undefined
  #notices: Subscription | undefined
  #agent: AgentClient | undefined
  /** Aborts the requests that watch the agent; undefined while none run. */
  #watching: AbortController | undefined

  constructor(say: (line: string) => void) {
    this.#say = say
  }

  /** Call whenever the log-in or the connection may have changed. */
  followTrackers(connection: DeviceConnection | undefined): void {
    if (connection === this.#connection) return
    this.#notices?.unsubscribe()
    this.#connection = connection
    if (connection) this.#followNotices(connection)
  }

  /** Call whenever the agent may have started. `agent`: another one for each log-in; undefined while logged out. */
  followAgent(agent: AgentClient | undefined): void {
    if (agent !== this.#agent) {
      this.#watching?.abort()
      this.#watching = undefined
      this.#agent = agent
    }
    if (agent && !this.#watching) void this.#watch(agent)
  }

  /** The running command reports how this download ends. Call the result to undo that. */
  muteDownload(download: number): () => void {
    this.#muted.add(download)
    return () => void this.#muted.delete(download)
  }

  #followNotices({ connection, session }: DeviceConnection): void {
    const told = new RecentMap<string, true>(shellTunables.maxToldNotices)
    this.#notices = connection.subscribe(noticeSubject(session.user), {
      callback: (error, message) => {
        const notice = error ? undefined : readJson(message.data, noticeSchema)
        const text = notice && noticeText(notice, session.user)
        const key = `${notice?.seq} ${text}`
        if (text === undefined || told.has(key)) return
        told.set(key, true)
        this.#say(text)
      },
    })
  }

  async #watch(agent: AgentClient): Promise<void> {
    const controller = new AbortController()
    const { signal } = controller
    this.#watching = controller
    let known: Map<number, DownloadView['state']> | undefined
    const onDownloads = (changed: DownloadView[]) => {
      for (const view of changed) if (known && known.get(view.id) !== view.state) this.#tellEnd(view)
      known ??= new Map()
      for (const { id, state } of changed) known.set(id, state)
    }
    // Both end with the agent or the log-in; the next `followAgent` starts them again.
    await Promise.allSettled([
      agent.ask('downloads.watch', {}, { onProgress: onDownloads, signal }),
      agent.ask('troubles.watch', {}, { onProgress: this.#say, signal }),
    ])
    if (this.#watching === controller) this.#watching = undefined
  }

  #tellEnd(view: DownloadView): void {
    const text = endText(view)
    if (text !== undefined && !this.#muted.delete(view.id)) this.#say(text)
  }
}

/** Undefined for a notice that concerns programs only. */
function noticeText(notice: Notice, you: string): string | undefined {
  const { group } = notice
  switch (notice.type) {
    case 'join.requested':
      return `${notice.user} asks to join ${group}; to accept: group accept ${group} ${notice.user}`
    case 'join.accepted':
      return `you are now a member of ${group}`
    case 'join.rejected':
      return `your request to join ${group} was rejected`
    case 'member.removed':
      return `you were removed from ${group}`
    case 'owner.changed':
      return notice.user === you ? `you now own ${group}` : `${notice.user} now owns ${group}`
    case 'file.shared':
      return notice.by.user === you ? undefined : `${notice.by.user} shared ${notice.name} with ${group}`
    case 'sharer.added':
    case 'access.revoked':
      return undefined
  }
}

function endText({ state, id, name, path, bytes, error }: DownloadView): string | undefined {
  if (state === 'completed') return `download ${id} is complete: ${path} (${formatBytes(bytes.total)})`
  if (state === 'failed') return `download ${id} of ${name} failed: ${error?.message ?? 'no reason given'}`
  return undefined
}
