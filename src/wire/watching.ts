// How the processes of a cluster learn that they are watched. A watcher says so on `watchSubject(user)`, or as the operator
// on `watchAllSubject`, every `inspectionTunables.watchEveryMs`; a process that hears no watcher for a few of those stops
// sending. It sends each new watcher a snapshot; a watcher that wants another one takes a new name. Only the person's own
// devices may publish there (actors/tracker/permissions.ts).

import * as z from 'zod'

/** Chosen at random for each opened view: 32 hex digits. */
export const watcherSchema = z.string().regex(/^[0-9a-f]{32}$/)

export const watchingSchema = z.strictObject({
  /** All that watch through this connection. */
  watchers: z.array(watcherSchema).max(16),
})
export type Watching = z.infer<typeof watchingSchema>
