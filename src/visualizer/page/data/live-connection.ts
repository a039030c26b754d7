// Live data: the configuration and the cluster come from the page's server, everything else from the brokers, with a
// login that may only subscribe (docs/adr/0015). What breaks off is set up anew; what was received stays on the page.

import { type NatsConnection, wsconnect } from '@nats-io/nats-core'
import * as z from 'zod'
import { pageTunables } from '../../../../config/visualizer.ts'
import { readInspection } from '../../../wire/inspection.ts'
import { machineChartSchema } from '../../../wire/machine-chart.ts'
import { type VisualizerConfig, visualizerConfigSchema } from '../../../wire/visualizer-api.ts'
import { MessageGaps } from './message-gaps.ts'
import { charts, config, receive, showRecording, sourceStatus } from './page-state.ts'
import { readRecording } from './read-recording.ts'
import { get, readEvents, Unauthorized } from './server-api.ts'

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

let isEnded = false
let current: AbortController | undefined

/** Ends it permanently, because a recording is shown instead. */
export function endLive(): void {
  isEnded = true
  current?.abort()
}

/** Until `endLive`, or until the server refuses the page's token. */
export async function runLive(): Promise<void> {
  while (!isEnded) {
    current = new AbortController()
    try {
      const loaded = visualizerConfigSchema.parse(await (await get('/api/config')).json())
      const drawn = z.array(machineChartSchema).parse(await (await get('/api/machines')).json())
      if (isEnded) return
      config.value = loaded
      charts.value = new Map(drawn.map(chart => [chart.id, chart]))
      if (loaded.mode === 'replay') return await replay()
      await watch(loaded, current)
    } catch (error) {
      if (isEnded) return
      if (error instanceof Unauthorized) {
        const text = 'This address is no longer valid. Open the one that shoal visualizer printed last.'
        sourceStatus.value = { kind: 'refused', text }
        return
      }
      console.warn(error)
      sourceStatus.value = { kind: 'reconnecting', text: 'shoal visualizer does not answer; trying again' }
    } finally {
      current.abort()
    }
    await pause(pageTunables.retryMs)
  }
}

async function replay(): Promise<void> {
  const read = readRecording(await (await get('/api/recording')).text())
  if (isEnded) return
  if (!read.ok) {
    sourceStatus.value = { kind: 'refused', text: read.message }
    return
  }
  showRecording(read.lines)
  sourceStatus.value = { kind: 'recording', text: 'a recording' }
}

/** Returns when the login ends, or the connection closes without reconnecting. Throws `Unauthorized`. */
async function watch({ watch: login }: VisualizerConfig, ended: AbortController): Promise<void> {
  if (login === null) throw new Error('no login to watch with')
  const connection = await connect(login)
  ended.signal.addEventListener('abort', () => void connection.close())
  if (ended.signal.aborted) return void connection.close()
  const leftMs = login.expiresAt - Date.now() - pageTunables.renewBeforeMs
  const renewal = setTimeout(() => ended.abort(), Math.max(pageTunables.retryMs, leftMs))
  const announcement = new Announcement(ended.signal)
  const gaps = new MessageGaps(() => announcement.renew())
  try {
    for (const subscription of login.subjects) {
      connection.subscribe(subscription, {
        callback: (error, { subject, data }) => {
          const message = error ? undefined : readInspection(data)
          if (message === undefined) return
          gaps.received(subject, message)
          receive({ at: Date.now(), type: 'message', subject, message })
        },
      })
    }
    await connection.flush()
    if (ended.signal.aborted) return
    void showStatus(connection, announcement)
    sourceStatus.value = { kind: 'live', text: liveFrom(connection) }
    await Promise.race([announcement.run(), connection.closed()])
  } finally {
    clearTimeout(renewal)
    gaps.close()
    void connection.close()
  }
}

const connect = ({ servers, user, pass }: NonNullable<VisualizerConfig['watch']>): Promise<NatsConnection> =>
  wsconnect({
    servers,
    user,
    pass,
    name: 'visualizer',
    ignoreClusterUpdates: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: pageTunables.brokerRetryMs,
    pingInterval: pageTunables.pingEveryMs,
    maxPingOut: pageTunables.missedPings,
    waitOnFirstConnect: false,
  })

const liveFrom = (connection: NatsConnection) => `live from ${connection.getServer().replace(/^wss?:\/\//, '')}`

async function showStatus(connection: NatsConnection, announcement: Announcement): Promise<void> {
  for await (const { type } of connection.status()) {
    if (type === 'disconnect')
      sourceStatus.value = { kind: 'reconnecting', text: 'the broker is gone; trying the others' }
    if (type === 'reconnect') {
      sourceStatus.value = { kind: 'live', text: liveFrom(connection) }
      announcement.renew()
    }
  }
}

const randomWatcher = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('')

/** Keeps the page announced as a watcher; under a new name, it gets new snapshots. */
class Announcement {
  readonly #ended: AbortSignal
  #round = new AbortController()

  constructor(ended: AbortSignal) {
    this.#ended = ended
  }

  renew(): void {
    this.#round.abort()
  }

  /** Rejects with `Unauthorized`; any other failure is tried again. */
  async run(): Promise<void> {
    while (!this.#ended.aborted) {
      this.#round = new AbortController()
      const { signal } = this.#round
      try {
        await readEvents(randomWatcher(), AbortSignal.any([this.#ended, signal]), event => {
          if (event.type === 'cluster') receive({ at: Date.now(), type: 'event', event })
        })
      } catch (error) {
        if (error instanceof Unauthorized) throw error
        if (!signal.aborted) await pause(pageTunables.retryMs)
      }
    }
  }
}
