// What devices may read: each method is answered from the projection and from who is online. What is in a group is shown
// to its members alone, and who asks to join it to its owner.

import type { DeviceRef } from '../../domain/device-ref.ts'
import type { Outcome } from '../../domain/refusal.ts'
import type { TrackerMethod, TrackerParams, TrackerResult, trackerMethods } from '../../wire/tracker-api.ts'

export type ReadMethod = {
  [M in TrackerMethod]: (typeof trackerMethods)[M]['kind'] extends 'read' ? M : never
}[TrackerMethod]

export type Queries = {
  readonly [M in ReadMethod]: (params: TrackerParams<M>, by: DeviceRef) => Outcome<TrackerResult<M>>
}
