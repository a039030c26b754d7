// What a tracker's actors share once it is prepared. Each field is changed by one actor alone: the log follower changes the
// projection and the progress, presence the table of online devices; all others only read.

import type { Logger } from 'pino'
import type { CallbackLogicFunction, EventObject } from 'xstate'
import type { WriteAllowance } from '../../domain/write-allowance.ts'
import type { Projection } from '../../storage/projection.ts'
import type { ClusterSecrets } from '../../wire/cluster-secrets.ts'
import type { AttemptCounts } from './attempt-counts.ts'
import type { DeviceUse } from './device-use.ts'
import type { EventLog } from './event-log.ts'
import type { LoadControl } from './load-control.ts'
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
  /** Whether the projection was checked against the log while preparing; otherwise the follower does it once it can. */
  readonly isVerified: boolean
  readonly progress: Progress
  readonly online: OnlineDevices
  readonly attempts: AttemptCounts
  readonly load: LoadControl
  readonly hashing: PasswordQueue
  /** The authenticator notes in it, the housekeeper takes from it. */
  readonly deviceUse: DeviceUse
  /** The log follower notes each entry in it. */
  readonly writing: WriteAllowance
}

/** Starts a part; returns what stops it. run-tracker.ts hands it to XState's fromCallback. */
export type TrackerActor<Heard extends EventObject = EventObject> = (
  parts: TrackerParts,
) => CallbackLogicFunction<Heard>
