// What a tracker's actors share once it is prepared. Each field has one owner that changes it: the log follower the
// projection and the progress, presence the table of who is online; everybody else reads.

import type { Logger } from 'pino'
import type { CallbackLogicFunction, EventObject } from 'xstate'
import type { WriteAllowance } from '../../domain/write-allowance.ts'
import type { Projection } from '../../storage/projection.ts'
import type { ClusterSecrets } from '../../wire/cluster-secrets.ts'
import type { AttemptCounts } from './attempt-counts.ts'
import type { EventLog } from './event-log.ts'
import type { OnlineDevices } from './online-devices.ts'
import type { PasswordQueue } from './password-queue.ts'
import type { Progress } from './progress.ts'
import type { TrackerConnections } from './tracker-connections.ts'

export interface TrackerSettings {
  /** One token, its own within the cluster. */
  readonly name: string
  readonly servers: readonly string[]
  /** The tracker's own: its projection. */
  readonly folder: string
  readonly secrets: ClusterSecrets
  /** How many brokers the cluster has: 1 or 3. */
  readonly brokers: number
  readonly log: Logger
}

export interface TrackerParts extends TrackerSettings {
  readonly connections: TrackerConnections
  readonly eventLog: EventLog
  readonly projection: Projection
  /** That the projection fits the log was checked when it was prepared; otherwise the follower does, once it can. */
  readonly isVerified: boolean
  readonly progress: Progress
  readonly online: OnlineDevices
  readonly attempts: AttemptCounts
  readonly hashing: PasswordQueue
  /** The log follower notes what stands in the log. */
  readonly writing: WriteAllowance
}

/** What a part does from its start on; what it returns ends it. Handed to XState's fromCallback by run-tracker.ts. */
export type TrackerActor<Heard extends EventObject = EventObject> = (
  parts: TrackerParts,
) => CallbackLogicFunction<Heard>
