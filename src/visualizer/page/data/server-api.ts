// Requests to the server that the page was loaded from, with the token from the address it was opened at.

import { visualizerTunables } from '../../../../config/visualizer.ts'
import { readJson } from '../../../wire/json.ts'
import { type VisualizerEvent, visualizerEventSchema } from '../../../wire/visualizer-api.ts'

/** The server does not know the page's token. */
export class Unauthorized extends Error {}

const token = takeToken()

/** Takes the token from the address, and removes it from the address bar and the history. */
function takeToken(): string {
  const inAddress = /^#([A-Za-z0-9_-]{16,})$/.exec(location.hash)?.[1]
  if (inAddress !== undefined) {
    sessionStorage.setItem('token', inAddress)
    history.replaceState(null, '', location.pathname)
  }
  return inAddress ?? sessionStorage.getItem('token') ?? ''
}

/** Throws `Unauthorized`, or an `Error` for any other status than success. */
export async function get(path: string, signal?: AbortSignal): Promise<Response> {
  const response = await fetch(path, {
    headers: { authorization: `Bearer ${token}` },
    cache: 'no-store',
    ...(signal ? { signal } : {}),
  })
  if (response.status === 401) throw new Unauthorized()
  if (!response.ok) throw new Error(`${path}: ${response.status}`)
  return response
}

/** Reads GET /api/events until it ends. Throws when the server is silent for too long, as well as what `get` throws. */
export async function readEvents(
  watcher: string,
  signal: AbortSignal,
  received: (event: VisualizerEvent) => void,
): Promise<void> {
  const { body } = await get(`/api/events?watcher=${watcher}`, signal)
  const reader = body!.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (;;) {
    const { done, value } = await beforeSilence(reader.read())
    if (done) return
    const lines = (rest + value).split('\n')
    rest = lines.pop()!
    for (const line of lines) {
      const event = readJson(line, visualizerEventSchema)
      if (event) received(event)
    }
  }
}

async function beforeSilence<T>(read: Promise<T>): Promise<T> {
  const { promise: silence, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error('the server is silent')), visualizerTunables.silentAfterMs)
  return Promise.race([read, silence]).finally(() => clearTimeout(timer))
}
