// A recording that a page has saved, served to a page again: offline, without a log-in, a broker or a home. Of the file only the
// head is read here; each line of it is checked by the page, which shows what it can of one that was cut short.

import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { version } from '../../cluster/version.ts'
import { done, type Outcome, refuse } from '../../domain/refusal.ts'
import type { MachineChart } from '../../wire/machine-chart.ts'
import { type RecordingHead, recordingHeadSchema, type VisualizerConfig } from '../../wire/visualizer-api.ts'
import { type PageRoutes, sendJson } from './page-server.ts'

/** A head is a few names. */
const mostHeadBytes = 64 * 1024

export async function readHead(file: string): Promise<Outcome<RecordingHead>> {
  let handle: FileHandle | undefined
  try {
    handle = await open(file)
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(mostHeadBytes), 0, mostHeadBytes, 0)
    const [line = ''] = buffer.toString('utf8', 0, bytesRead).split('\n', 1)
    return done(recordingHeadSchema.parse(JSON.parse(line)))
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code !== undefined) return refuse('file-unreadable', `${file} cannot be read: ${message}`)
    return refuse('usage', `${file} is no recording of this version: the page saves one with its button for that`)
  } finally {
    await handle?.close()
  }
}

/** What the page asks for, from that file; it is read anew for each page that is opened. */
export function replayRoutes(file: string, { you }: RecordingHead, charts: readonly MachineChart[]): PageRoutes {
  const config: VisualizerConfig = { mode: 'replay', version, you, watch: null, hints: [] }
  return {
    connectsTo: [],
    api: {
      '/api/config': (_, response) => sendJson(response, config),
      '/api/machines': (_, response) => sendJson(response, charts),
      async '/api/recording'(_, response) {
        response.writeHead(200, { 'content-type': 'application/x-ndjson' })
        await pipeline(createReadStream(file), response)
      },
    },
  }
}
