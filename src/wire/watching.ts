// How the processes of a cluster learn that somebody watches. Whoever watches says so on `watchSubject(user)`, or on
// `watchAllSubject` as the operator, every `inspectionTunables.watchEveryMs`; a process that has heard nobody for a few of those
// falls silent. A watcher that is new to a process is sent a picture of it, and a second one after that for the asking:
// it takes a new name. Only devices of that person may say so (actors/tracker/permissions.ts).

import * as z from 'zod'

/** Chosen at random by whoever opens a view: 32 hex digits. */
export const watcherSchema = z.string().regex(/^[0-9a-f]{32}$/)

export const watchingSchema = z.strictObject({
  /** All that watch through this connection. */
  watchers: z.array(watcherSchema).max(16),
})
export type Watching = z.infer<typeof watchingSchema>
