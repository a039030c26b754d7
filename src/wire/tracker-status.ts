// What each tracker says of itself when every one of them is asked: how far it has applied the log, and what it has to do.

import * as z from 'zod'
import { deviceSchema, idSchema, sequenceSchema } from './schemas.ts'

/** On `trackersStatus(by)`, from each tracker. */
export const trackerStatusSchema = z.strictObject({
  name: z.string().max(64),
  seq: sequenceSchema,
  digest: z.string().max(64),
  uptimeSeconds: z.number().nonnegative(),
})
export type TrackerStatus = z.infer<typeof trackerStatusSchema>

/** Most devices, and most groups, listed in stats; the rest is only counted, for a message has its bound. */
export const mostInStats = 1_000

/** On `trackersStats(by)`, from each tracker. */
export const trackerStatsSchema = z.object({
  name: z.string().max(64),
  /** Requests, sign-ups and logins taken since it was started. */
  requests: z.number().int().nonnegative(),
  /** Online devices: the client's own, or all of them for the operator. */
  online: z.number().int().nonnegative(),
  devices: z
    .array(z.object({ user: idSchema, device: deviceSchema, fetching: z.number().int().nonnegative() }))
    .max(mostInStats),
  /** The asker's groups, for the operator all groups. Null: not told. */
  groups: z
    .array(
      z.object({
        group: idSchema,
        owner: idSchema,
        members: z.number().int().nonnegative(),
        files: z.number().int().nonnegative(),
      }),
    )
    .max(mostInStats)
    .nullable(),
})
export type TrackerStats = z.infer<typeof trackerStatsSchema>
