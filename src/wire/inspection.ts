// What the processes of a cluster publish for watchers such as the visualizer, on `inspectSubject`. Every text, list and map
// is bounded, and so is a whole message. It holds names, numbers and states; never a secret, a ticket, a path on disk or a
// byte of a file. Nothing is sent without a watcher (wire/watching.ts). Other people choose the names, which may look like
// markup: show them as text.

import * as z from 'zod'
import { messagesSchema, snapshotSchema, stepSchema } from './inspected-actor.ts'
import { downloadSchema, servingSchema } from './inspected-download.ts'
import { inspectionBounds } from './inspection-bounds.ts'
import { readJson } from './json.ts'

export const inspectionSchema = z.discriminatedUnion('kind', [
  stepSchema,
  snapshotSchema,
  messagesSchema,
  downloadSchema,
  servingSchema,
])
export type Inspection = z.infer<typeof inspectionSchema>

/** Undefined for anything too long, not JSON, or of another form. */
export function readInspection(bytes: Uint8Array): Inspection | undefined {
  if (bytes.length > inspectionBounds.messageBytes) return undefined
  return readJson(bytes, inspectionSchema)
}
