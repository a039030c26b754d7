// A recording that a page has saved, served to a page again: offline, without a login, a broker or a home. Only the head
// of the file is read here; the page checks every line, and shows what it can of a file that was cut short.

import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { visualizerTunables } from '../../../config/visualizer.ts'
import { version } from '../../cluster/version.ts'
import { done, type Outcome, refuse } from '../../domain/refusal.ts'
import { readJson } from '../../wire/json.ts'
import type { MachineChart } from '../../wire/machine-chart.ts'
import { type RecordingHead, recordingHeadSchema, type VisualizerConfig } from '../../wire/visualizer-api.ts'
import { type PageRoutes, sendJson } from './page-server.ts'

/** Refuses with `file-unreadable`, or with `usage` when the file is not a recording. */
export async function readHead(file: string): Promise<Outcome<RecordingHead>> {
  let handle: FileHandle | undefined
  try {
    handle = await open(file)
    const { buffer, bytesRead } = await handle.read({
      buffer: Buffer.alloc(visualizerTunables.mostHeadBytes),
      position: 0,
    })
    const [line = ''] = buffer.toString('utf8', 0, bytesRead).split('\n', 1)
    const head = readJson(line, recordingHeadSchema)
    return head
      ? done(head)
      : refuse('usage', `${file} is not a recording of this version; the page saves one with "Save recording"`)
  } catch (error) {
    return refuse('file-unreadable', `${file} cannot be read: ${(error as Error).message}`)
  } finally {
    await handle?.close()
  }
}

/** The file is read anew for each page that is opened. */
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
