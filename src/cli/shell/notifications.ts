// What a person at the prompt is told without asking: notices of the trackers, downloads that end, and files that are
// not shared any more. Follows the connection of whoever is logged in; every tracker sends each notice, and the first
// counts. What a command that is being waited for will say itself is not said here too.

import type { Subscription } from 'nats'
import { formatBytes } from '../../domain/quantities.ts'
import type { DownloadView } from '../../wire/agent-api.ts'
import { readJson } from '../../wire/json.ts'
import { type Notice, noticeSchema } from '../../wire/notice.ts'
import { noticeSubject } from '../../wire/subjects.ts'
import type { DeviceConnection } from '../device-connection.ts'

export interface News {
  /** To be called whenever the log-in may have changed, or the agent may have started. */
  follow(link: DeviceConnection | undefined): void
  /** The command that runs tells how this download ends; what is returned takes that back. */
  leaveOut(download: number): () => void
}

/** Notices whose sequence and kind were told already, as many as could still arrive from a slower tracker. */
const maxTold = 500

export function createNews(say: (line: string) => void): News {
  let current: DeviceConnection | undefined
  let notices: Subscription | undefined
  let watching: AbortController | undefined

  const followNotices = (link: DeviceConnection) => {
    const told = new Set<string>()
    notices = link.connection.subscribe(noticeSubject(link.session.user), {
      callback: (error, message) => {
        const notice = error ? undefined : readJson(message.data, noticeSchema)
        const words = notice && wordsOf(notice, link)
        const key = `${notice?.seq} ${words}`
        if (words === undefined || told.has(key)) return
        told.add(key)
        if (told.size > maxTold) told.delete(told.values().next().value as string)
        say(words)
      },
    })
  }

  const leftOut = new Set<number>()

  const followAgent = async ({ agent }: DeviceConnection) => {
    const controller = new AbortController()
    const { signal } = controller
    watching = controller
    let before: Map<number, DownloadView['state']> | undefined
    const onDownloads = (views: DownloadView[]) => {
      for (const view of views) {
        const was = before?.get(view.id)
        const words = before !== undefined && was !== view.state ? endOf(view) : undefined
        if (words !== undefined && !leftOut.delete(view.id)) say(words)
      }
      before = new Map(views.map(({ id, state }) => [id, state]))
    }
    // Either ends when the agent does, or the log-in; the next `follow` begins anew.
    await Promise.allSettled([
      agent.ask('downloads.watch', {}, { onProgress: onDownloads, signal }),
      agent.ask('troubles.watch', {}, { onProgress: say, signal }),
    ])
    if (watching === controller) watching = undefined
  }

  return {
    follow(link) {
      if (link !== current) {
        notices?.unsubscribe()
        watching?.abort()
        watching = undefined
        current = link
        if (link) followNotices(link)
      }
      if (link && !watching) void followAgent(link)
    },
    leaveOut(download) {
      leftOut.add(download)
      return () => void leftOut.delete(download)
    },
  }
}

/** Undefined for what is no news to a person. */
function wordsOf(notice: Notice, { session }: DeviceConnection): string | undefined {
  const { group } = notice
  switch (notice.type) {
    case 'join.requested':
      return `${notice.user} asks to join ${group}: group accept ${group} ${notice.user}`
    case 'join.accepted':
      return `you are a member of ${group} now`
    case 'join.rejected':
      return `your request to join ${group} was turned down`
    case 'member.removed':
      return `you were removed from ${group}`
    case 'owner.changed':
      return notice.user === session.user ? `you own ${group} now` : `${notice.user} owns ${group} now`
    case 'file.shared':
      return notice.by.user === session.user ? undefined : `${notice.by.user} shared ${notice.name} with ${group}`
    case 'sharer.added':
    case 'access.revoked':
      return undefined
  }
}

function endOf({ state, id, name, path, bytes, error }: DownloadView): string | undefined {
  if (state === 'completed') return `download ${id} is complete: ${path} (${formatBytes(bytes.total)})`
  if (state === 'failed') return `download ${id} of ${name} failed: ${error?.message ?? 'no reason given'}`
  return undefined
}
