// A step of one actor, published on `inspectSubject` for whoever watches (the visualizer does). No secrets, no bytes:
// the state it came to and the type of the event that brought it there.

import { z } from 'zod'
import { millisecondsSchema } from './schemas.ts'

export const inspectionSchema = z.strictObject({
  /** ms since 1970, by the device's clock. */
  at: millisecondsSchema,
  /** The actor's ids from the root's child down, joined with "/". */
  actor: z.string().max(300),
  machine: z.string().max(100),
  /** XState's state value: a name, or nested names. */
  state: z.json(),
  event: z.string().max(200),
})
export type Inspection = z.infer<typeof inspectionSchema>
