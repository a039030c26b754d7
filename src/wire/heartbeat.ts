// How a device tells the trackers that it is online, where it listens, and what it downloads.

import * as z from 'zod'
import { portSchema, shareIdSchema } from './schemas.ts'

/** On `presenceSubject(by, host)`, every `presenceTunables.heartbeatEveryMs`. A leaving device says so once. */
export const heartbeatSchema = z.union([
  z.strictObject({
    state: z.literal('online'),
    port: portSchema,
    /** Shares that the device holds some pieces of while it downloads them. */
    fetching: z.array(shareIdSchema).max(1000),
  }),
  z.strictObject({ state: z.literal('leaving') }),
])
export type Heartbeat = z.infer<typeof heartbeatSchema>
