// Live data: its configuration and the cluster from the server that the page came from, everything else from the brokers
// themselves, with a log-in that hears and says nothing (docs/adr/0015). Whatever breaks off is made anew, from wherever
// that has to begin; what was heard stays on the page meanwhile.

import { type NatsConnection, wsconnect } from '@nats-io/nats-core'
import * as z from 'zod'
import { visualizerTunables } from '../../../../config/visualizer.ts'
import { readInspection } from '../../../wire/inspection.ts'
import { machineChartSchema } from '../../../wire/machine-chart.ts'
import { type VisualizerConfig, visualizerConfigSchema, visualizerEventSchema } from '../../../wire/visualizer-api.ts'
import { begin, charts, config, hear, standing } from './page-state.ts'
import { readRecording } from './recording.ts'

/** The server does not know the page's token. */
class Unauthorised extends Error {}

const againMs = 1_000
const pictureWithinMs = 1_000
const renewBeforeMs = 60_000

const token = takeToken()

/** It is not left in the address bar, nor in the history. */
function takeToken(): string {
  const inAddress = /^#([A-Za-z0-9_-]{16,})$/.exec(location.hash)?.[1]
  if (inAddress !== undefined) {
    sessionStorage.setItem('token', inAddress)
    history.replaceState(null, '', location.pathname)
  }
  return inAddress ?? sessionStorage.getItem('token') ?? ''
}

async function get(path: string, signal?: AbortSignal): Promise<Response> {
  const answer = await fetch(path, {
    headers: { authorization: `Bearer ${token}` },
    cache: 'no-store',
    ...(signal ? { signal } : {}),
  })
  if (answer.status === 401) throw new Unauthorised()
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`)
  return answer
}

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms))

let isEnded = false
/** A recording was opened in its place. */
export function endLive(): void {
  isEnded = true
  current?.abort()
}
let current: AbortController | undefined

export async function runLive(): Promise<void> {
  while (!isEnded) {
    current = new AbortController()
    try {
      const found = visualizerConfigSchema.parse(await (await get('/api/config')).json())
      const drawn = z.array(machineChartSchema).parse(await (await get('/api/machines')).json())
      if (isEnded) return
      config.value = found
      charts.value = new Map(drawn.map(chart => [chart.id, chart]))
      if (found.mode === 'replay') return await replay()
      await watch(found, current)
    } catch (error) {
      if (isEnded) return
      if (error instanceof Unauthorised) {
        const text = 'This address is of an earlier run. Open the one that shoal visualizer printed last.'
        standing.value = { kind: 'refused', text }
        return
      }
      console.warn(error)
      standing.value = { kind: 'reconnecting', text: 'shoal visualizer does not answer; trying again' }
    } finally {
      current.abort()
    }
    await pause(againMs)
  }
}

async function replay() {
  const read = readRecording(await (await get('/api/recording')).text())
  if (isEnded) return
  if (!read.ok) {
    standing.value = { kind: 'refused', text: read.message }
    return
  }
  begin(read.lines)
  standing.value = { kind: 'recording', text: 'a recording' }
}

/** Returns when the log-in ends, or the server. */
async function watch({ watch: login }: VisualizerConfig, ended: AbortController): Promise<void> {
  if (login === null) throw new Error('no log-in to watch with')
  const { user, pass, servers, subjects, expiresAt } = login
  const connection = await wsconnect({
    servers,
    user,
    pass,
    name: 'visualizer',
    ignoreClusterUpdates: true,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    pingInterval: 5_000,
    maxPingOut: 2,
    waitOnFirstConnect: false,
  })
  ended.signal.addEventListener('abort', () => void connection.close())
  if (ended.signal.aborted) return void connection.close()
  const renewal = setTimeout(() => ended.abort(), Math.max(againMs, expiresAt - Date.now() - renewBeforeMs))
  try {
    const watcher = createWatcher(ended.signal)
    for (const subject of subjects)
      connection.subscribe(subject, {
        callback: (error, { subject: about, data }) => {
          if (error) return
          const message = readInspection(data)
          if (message === undefined) return
          watcher.count(about, message.run, message.n, message.kind === 'picture')
          hear({ at: Date.now(), type: 'message', subject: about, message })
        },
      })
    await connection.flush()
    if (ended.signal.aborted) return
    void follow(connection, watcher)
    standing.value = { kind: 'live', text: serverOf(connection) }
    await Promise.race([watcher.run(), connection.closed()])
  } finally {
    clearTimeout(renewal)
    void connection.close()
  }
}

const serverOf = (connection: NatsConnection) => `live from ${connection.getServer().replace(/^wss?:\/\//, '')}`

async function follow(connection: NatsConnection, watcher: { anew(): void }) {
  for await (const { type } of connection.status()) {
    if (type === 'disconnect') standing.value = { kind: 'reconnecting', text: 'the broker is gone; trying the others' }
    if (type === 'reconnect') {
      standing.value = { kind: 'live', text: serverOf(connection) }
      watcher.anew()
    }
  }
}

/** Keeps somebody announced as a watcher, and as a new one whenever pictures are needed. */
function createWatcher(ended: AbortSignal) {
  let round = new AbortController()
  const counted = new Map<string, { run: string; n: number }>()
  /** By process: a gap that no picture has followed yet. */
  const doubts = new Map<string, ReturnType<typeof setTimeout>>()

  async function announce(signal: AbortSignal) {
    const id = Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join(
      '',
    )
    const { body } = await get(`/api/events?watcher=${id}`, signal)
    const reader = body!.pipeThrough(new TextDecoderStream()).getReader()
    let rest = ''
    for (;;) {
      const { promise: silence, reject } = Promise.withResolvers<never>()
      const deadline = setTimeout(() => reject(new Error('the server is silent')), visualizerTunables.silentAfterMs)
      const { done, value } = await Promise.race([reader.read(), silence]).finally(() => clearTimeout(deadline))
      if (done) return
      const lines = (rest + value).split('\n')
      rest = lines.pop()!
      for (const line of lines.filter(Boolean)) {
        const event = visualizerEventSchema.safeParse(JSON.parse(line)).data
        if (event?.type === 'cluster') hear({ at: Date.now(), type: 'event', event })
      }
    }
  }

  return {
    anew: () => round.abort(),
    count(subject: string, run: string, n: number, isPicture: boolean) {
      const process = subject.split('.').slice(2, 4).join('.')
      const last = counted.get(process)
      const isGap = last !== undefined && last.run === run && n > last.n + 1
      counted.set(process, { run, n: Math.max(n, last?.run === run ? last.n : n) })
      if (isPicture) {
        clearTimeout(doubts.get(process))
        doubts.delete(process)
      } else if (isGap && !doubts.has(process)) {
        const doubt = setTimeout(() => {
          doubts.delete(process)
          round.abort()
        }, pictureWithinMs)
        doubts.set(process, doubt)
      }
    },
    /** Rejects with Unauthorised; anything else is tried again. */
    async run() {
      while (!ended.aborted) {
        round = new AbortController()
        try {
          await announce(AbortSignal.any([ended, round.signal]))
        } catch (error) {
          if (error instanceof Unauthorised) throw error
          if (!round.signal.aborted) await pause(againMs)
        }
      }
    },
  }
}
