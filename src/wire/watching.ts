// The announcement by which processes know that they are watched. A watcher publishes it every
// `inspectionTunables.watchEveryMs`, on `watchSubject(by)`, or on `watchAllSubject` as the operator. A process sends each
// new watcher a snapshot, and stops sending once it hears no watcher; a watcher gets another snapshot by taking a new id.
// Only the user's own devices may publish there (actors/tracker/permissions.ts).

import * as z from 'zod'

/** A watcher's id: 32 random hex digits for each opened view. */
export const watcherSchema = z.string().regex(/^[0-9a-f]{32}$/)

export const watchingSchema = z.strictObject({
  /** All watchers on this connection. */
  watchers: z.array(watcherSchema).max(16),
})
export type Watching = z.infer<typeof watchingSchema>
