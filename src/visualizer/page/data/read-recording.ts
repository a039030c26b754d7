// Reads a recording that a page has saved. The file may come from anyone: every line is checked.

import { type Inspection, inspectionSchema } from '../../../wire/inspection.ts'
import { readJson } from '../../../wire/json.ts'
import { type RecordingHead, recordingHeadSchema, recordingLineSchema } from '../../../wire/visualizer-api.ts'
import type { RecordedLine } from './recording.ts'

type ReadRecording =
  /** `broken`: how many lines were left out, because they are not of a recording. */
  | {
      readonly ok: true
      readonly head: RecordingHead
      readonly lines: readonly RecordedLine[]
      readonly broken: number
    }
  | { readonly ok: false; readonly message: string }

export function readRecording(text: string): ReadRecording {
  const [first = '', ...rest] = text.split('\n')
  const head = readJson(first, recordingHeadSchema)
  if (!head) return { ok: false, message: 'this file is not a Shoal recording, or is from another version' }
  const lines: RecordedLine[] = []
  let broken = 0
  for (const json of rest) {
    if (json === '') continue
    const line = readLine(json, head.startedAt)
    if (line) lines.push(line)
    else broken += 1
  }
  return { ok: true, head, lines, broken }
}

function readLine(json: string, startedAt: number): RecordedLine | undefined {
  const line = readJson(json, recordingLineSchema)
  if (!line) return undefined
  const at = startedAt + line.ms
  if (line.type === 'event') return { at, type: 'event', event: line.event }
  const message: Inspection | undefined = inspectionSchema.safeParse(line.message).data
  return message && { at, type: 'message', subject: line.subject, message }
}
