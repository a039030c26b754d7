// The limits of what processes tell watchers, and what every such message begins with (inspection.ts has them all).

import * as z from 'zod'
import { millisecondsSchema } from './schemas.ts'

export const inspectionBounds = {
  /** Of one message; a broker's own limit is 1 MB. */
  messageBytes: 128 * 1024,
  actorsPerPicture: 64,
  messagesPerBatch: 128,
  transitionsPerStep: 12,
  contextEntries: 24,
  peersPerDownload: 64,
  waits: 8,
  /** Above the most of a manifest (wire/schemas.ts). */
  pieces: 16_384,
} as const

export const boundedText = (most: number) => z.string().max(most)
export const count = z.number().int().nonnegative()

export const inspectionHead = {
  /** Names the process, from its start to its end: a device that starts again has another. */
  run: z.string().regex(/^[0-9a-f]{16}$/),
  /** Counts this process's messages. After a gap some were lost: ask for a snapshot by watching under a new name. */
  n: count,
  at: millisecondsSchema,
}
