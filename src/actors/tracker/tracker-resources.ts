// What a tracker holds while it runs: its connections, and once it is prepared the parts that its actors share. Taking
// something anew lets go of the earlier one first, so there is never more than one of each.

import type { AnyActorRef } from 'xstate'
import { writeTunables } from '../../../config/tracker.ts'
import { definitionDigests } from '../../charts/definition-digests.ts'
import { createWriteAllowance } from '../../domain/write-allowance.ts'
import { anyWatch, trackerInspected } from '../../wire/subjects.ts'
import { inspectProcess } from '../inspection/inspect-process.ts'
import { createAttemptCounts } from './attempt-counts.ts'
import { createDeviceUse } from './device-use.ts'
import { openEventLog } from './event-log.ts'
import { createLoadControl, type LoadControl } from './load-control.ts'
import { sourceOfDevice } from './message-source.ts'
import { OnlineDevices } from './online-devices.ts'
import { createPasswordQueue } from './password-queue.ts'
import { prepareProjection } from './prepare-projection.ts'
import { createProgress } from './progress.ts'
import { connectTracker, type TrackerConnections } from './tracker-connections.ts'
import type { TrackerParts, TrackerSettings } from './tracker-parts.ts'
import { watchForUnheardFloods } from './unheard-floods.ts'

export class TrackerResources {
  readonly #settings: TrackerSettings
  #connections: TrackerConnections | undefined
  #load: LoadControl | undefined
  #parts: TrackerParts | undefined
  #stopInspection = () => {}
  #stopWatchingFloods = () => {}

  constructor(settings: TrackerSettings) {
    this.#settings = settings
  }

  get connections(): TrackerConnections {
    return needed(this.#connections)
  }

  get parts(): TrackerParts {
    return needed(this.#parts)
  }

  /** How far the log is applied; undefined before `prepare`. */
  get applied(): number | undefined {
    return this.#parts?.progress.applied
  }

  isCurrent(connections: TrackerConnections): boolean {
    return this.#connections === connections
  }

  /** Also shows `root` and its children to watchers. Throws BrokerUnreachable. */
  async connect(root: AnyActorRef, signal: AbortSignal): Promise<void> {
    await this.release()
    const { name, servers, secrets } = this.#settings
    const connections = await connectTracker(name, servers, secrets)
    if (signal.aborted) return connections.close()
    this.#connections = connections
    const load = createLoadControl(this.#settings, connections)
    this.#load = load
    this.#stopWatchingFloods = watchForUnheardFloods(connections.sys, load, this.#settings.log)
    this.#stopInspection = inspectProcess({
      connection: connections.reads,
      me: trackerInspected(name),
      watchSubjects: [anyWatch],
      admits({ subject, data }) {
        const source = sourceOfDevice(subject)
        return source !== undefined && load.admits('watching', source, data.length)
      },
      root,
      definitions: definitionDigests,
    })
  }

  /** Opens the log and the projection. Throws LogUnavailable when neither can answer. */
  async prepare(signal: AbortSignal): Promise<void> {
    this.#closeProjection()
    const { connections } = this
    const { folder, brokers, log } = this.#settings
    const eventLog = await openEventLog(connections.log, brokers)
    const { projection, isVerified } = await prepareProjection(folder, eventLog, log)
    if (signal.aborted) return projection.close()
    this.#parts = {
      ...this.#settings,
      connections,
      eventLog,
      projection,
      isVerified,
      progress: createProgress(projection.applied),
      online: new OnlineDevices(),
      attempts: createAttemptCounts(this.#settings, connections.auth),
      load: needed(this.#load),
      hashing: createPasswordQueue(),
      deviceUse: createDeviceUse(projection),
      writing: createWriteAllowance(writeTunables.limits, writeTunables.rememberedUsers),
    }
  }

  /** Lets go of everything. */
  async release(): Promise<void> {
    this.#stopInspection()
    this.#stopInspection = () => {}
    this.#stopWatchingFloods()
    this.#closeProjection()
    this.#load?.close()
    this.#load = undefined
    const connections = this.#connections
    this.#connections = undefined
    await connections?.close()
  }

  #closeProjection(): void {
    this.#parts?.projection.close()
    this.#parts = undefined
  }
}

function needed<T>(what: T | undefined): T {
  if (what === undefined) throw new Error('bug: a part of the tracker was started before what it needs')
  return what
}
