// What a tracker tells the others when it cuts a flooding source off, so that none lets it in for a while. Sent on
// `cutOffSubject` in the trackers' own NATS account, which no other client can use.

import * as z from 'zod'

export const cutOffSubject = 'shoal.cut-off'

export const cutOffMessageSchema = z.strictObject({
  /** The tracker that says so. */
  by: z.string().max(64),
  source: z.strictObject({
    /** What the brokers call its connections: at most a user id, a dot and a device id. */
    connection: z.string().max(128),
    /** Only those from this origin; absent: all of that name. */
    origin: z.string().max(64).optional(),
  }),
  forMs: z.number().int().positive(),
})
export type CutOffMessage = z.infer<typeof cutOffMessageSchema>
