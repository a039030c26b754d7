// Handles each request of this device's command line (wire/agent-api.ts). What concerns this device alone is answered
// whether or not brokers are in reach; what needs trackers waits for an attempt to connect that is under way and while a
// lost connection is made again, and else is refused with what is missing.

import { setTimeout as delay } from 'node:timers/promises'
import { agentApiTunables, requestTunables } from '../../../config/client.ts'
import { done, type Outcome, refuse } from '../../domain/refusal.ts'
import type { AgentResult, DownloadView } from '../../wire/agent-api.ts'
import type { AgentHandlers } from './agent-api.ts'
import type { DeviceLimits } from './device-limits.ts'
import type { DeviceSession, DownloadCommands } from './device-session.ts'
import { isInactive } from './download-view.ts'
import type { SessionServices } from './session-services.ts'

export interface HandlerNeeds {
  readonly device: string
  readonly limits: DeviceLimits
  readonly session: Pick<DeviceSession, 'login' | 'services' | 'problem' | 'downloads' | 'logOut'>
}

const notLoggedIn = refuse('not-logged-in', 'you are not logged in on this device; run shoal login USER')

const stillConnecting = 'the brokers or trackers take long to answer; the agent keeps trying'

/** Polls `read` a few times a second until it returns a value. Rejects when the client is gone. */
async function watch<T>(signal: AbortSignal, read: () => T | undefined): Promise<T> {
  for (;;) {
    const found = read()
    if (found !== undefined) return found
    await delay(agentApiTunables.watchEveryMs, undefined, { signal })
  }
}

/** Waits for a broker to be there, and refuses when none is likely to come within the time that a command has. */
function reachTrackers(session: HandlerNeeds['session'], signal: AbortSignal): Promise<Outcome<SessionServices>> {
  const giveUpAt = Date.now() + requestTunables.deadlineMs
  return watch(signal, () => {
    if (!session.login) return notLoggedIn
    const { services, problem } = session
    if (problem === undefined) return services && done(services)
    // A connection that was lost is made again as soon as any broker takes it.
    const mayReturn = services !== undefined && Date.now() < giveUpAt
    return mayReturn ? undefined : refuse('unreachable', needsTrackers(problem))
  })
}

export function createAgentHandlers({ device, limits, session }: HandlerNeeds): AgentHandlers {
  const status = (): AgentResult<'status'> => statusOf(device, limits, session)

  const withTrackers = async <T>(
    signal: AbortSignal,
    act: (services: SessionServices) => Promise<Outcome<T>>,
  ): Promise<Outcome<T>> => {
    const connected = await reachTrackers(session, signal)
    return connected.ok ? act(connected.value) : connected
  }

  const withDownload = async <T>(act: (downloads: DownloadCommands) => Promise<Outcome<T>>): Promise<Outcome<T>> =>
    session.downloads ? act(session.downloads) : notLoggedIn

  return {
    status: async () => done(status()),

    ready({ withinMs, retry }, { signal }) {
      const until = Date.now() + withinMs
      return watch(signal, () => {
        if (!session.login) return notLoggedIn
        const { services, problem } = session
        if (services?.serving && problem === undefined) return done(status())
        const isOver = Date.now() >= until || (problem !== undefined && !retry)
        return isOver ? refuse('unreachable', problem ?? stillConnecting) : undefined
      })
    },

    share: (params, { progress, signal }) =>
      withTrackers(signal, ({ shareRegistry }) =>
        shareRegistry.share(params, { signal, onProgress: (hashedBytes, size) => progress({ hashedBytes, size }) }),
      ),
    unshare: (params, { signal }) => withTrackers(signal, ({ shareRegistry }) => shareRegistry.unshare(params)),
    download: (params, { signal }) => withTrackers(signal, ({ downloads }) => downloads.add(params)),

    downloads: () => withDownload(async downloads => done(downloads.views())),
    pause: ({ id }) => withDownload(downloads => downloads.pause(id)),
    resume: ({ id }) => withDownload(downloads => downloads.resume(id)),
    cancel: ({ id }) => withDownload(downloads => downloads.cancel(id)),

    'download.follow'({ id }, { progress, signal }) {
      const tell = onChange(progress)
      return watch(signal, () => {
        if (!session.downloads) return notLoggedIn
        const view = session.downloads.view(id)
        if (!view) return refuse('no-such-download', `there is no download ${id} on this device; see shoal downloads`)
        if (isInactive(view.state)) return done(view)
        return tell(view)
      })
    },

    async 'downloads.watch'(_, { progress, signal }) {
      const user = session.login?.user
      const told = new Map<number, DownloadView>()
      for (let isFirst = true; ; isFirst = false) {
        if (!session.downloads || session.login?.user !== user) return notLoggedIn
        const changed = session.downloads.views().filter(view => !isSameView(told.get(view.id), view))
        for (const view of changed) told.set(view.id, view)
        if (isFirst || changed.length > 0) await progress(changed)
        await delay(agentApiTunables.watchEveryMs, undefined, { signal })
      }
    },

    'troubles.watch'(_, { progress, signal }) {
      let registry = session.services?.shareRegistry
      let known = new Set(registry?.troubles)
      return watch(signal, () => {
        if (!session.login) return notLoggedIn
        const present = session.services?.shareRegistry
        // A session that begins anew has the troubles that were told before.
        if (present === registry)
          for (const trouble of present?.troubles ?? []) if (!known.has(trouble)) void progress(trouble.message)
        registry = present
        known = new Set(present?.troubles)
        return undefined
      })
    },

    limits: async () => done(limits.current),
    async 'limits.change'(change) {
      limits.change(change)
      session.services?.limitSessions()
      return done(limits.current)
    },

    logout: async () => done({ wasOnline: await session.logOut() }),
  }
}

const needsTrackers = (problem: string) =>
  `this needs the trackers, and ${problem}; repeat the command once shoal agent status shows that you are connected`

/** Calls `progress` with each value that is not the one before. */
function onChange<T>(progress: (value: T) => Promise<void>): (value: T) => undefined {
  let sent = ''
  return value => {
    const text = JSON.stringify(value)
    if (text !== sent) void progress(value)
    sent = text
  }
}

/** An inactive download's view is one object until it changes, so very many of them are compared in no time. */
const isSameView = (a: DownloadView | undefined, b: DownloadView) =>
  a === b || (a !== undefined && JSON.stringify(a) === JSON.stringify(b))

function statusOf(device: string, limits: DeviceLimits, session: HandlerNeeds['session']): AgentResult<'status'> {
  const { login, services, problem } = session
  const { downloads, shareRegistry, serving } = services ?? {}
  const ofConnection = (): Pick<AgentResult<'status'>, 'state' | 'problem'> => {
    if (!login) return { state: 'logged-out' }
    if (problem !== undefined) return { state: 'offline', problem }
    return { state: services ? 'online' : 'connecting' }
  }
  const peers = [...(serving && 'peers' in serving ? serving.peers : []), ...(downloads?.connectedPeers() ?? [])]
  return {
    ...(login ? { user: login.user } : {}),
    device,
    pid: process.pid,
    ...ofConnection(),
    listen: serving && 'at' in serving ? serving.at : 'nowhere',
    ...(serving && 'failure' in serving ? { listenFailure: serving.failure } : {}),
    uptimeSeconds: Math.floor(process.uptime()),
    sharing: shareRegistry?.sharing ?? 0,
    downloads: downloads?.running ?? 0,
    peers: new Set(peers).size,
    memoryBytes: process.memoryUsage.rss(),
    limits: limits.current,
    troubles: (shareRegistry?.troubles ?? []).map(({ message }) => message),
  }
}
