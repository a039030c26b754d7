// Opens the tracker's projection and makes sure that it is one of this log: what is damaged, of another version or
// cluster, or ahead of the log, is thrown away and made anew from the first entry.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import {
  createProjection,
  openProjection,
  type Projection,
  ProjectionUnusable,
  removeProjection,
} from '../../storage/projection.ts'
import type { ProjectionOrigin } from '../../storage/projection-log.ts'
import { type EventLog, LogUnavailable } from './event-log.ts'

/** Why a projection is not one of this log; undefined when it is. Throws LogUnavailable. */
export async function misfit(eventLog: EventLog, origin: ProjectionOrigin): Promise<string | undefined> {
  const { created, lastSeq } = await eventLog.end()
  if (origin.streamCreated !== created) return `it is of a log made at ${origin.streamCreated}, not ${created}`
  if (origin.applied > lastSeq) return `it has applied ${origin.applied}, but the log ends at ${lastSeq}`
  if (origin.applied === 0 || (await eventLog.fingerprintAt(origin.applied)) === origin.fingerprint) return undefined
  return `the log's entry ${origin.applied} is another one`
}

function openUnlessUnusable(file: string, log: Logger): Projection | undefined {
  try {
    return openProjection(file)
  } catch (error) {
    if (!(error instanceof ProjectionUnusable)) throw error
    log.warn({ err: error }, 'the projection is made anew')
    return undefined
  }
}

export interface Prepared {
  readonly projection: Projection
  /** False while the brokers cannot say: what fitted when it was last applied to most likely still does. */
  readonly isVerified: boolean
}

/** Makes the log, too, if there is none. Throws LogUnavailable when nothing can be answered without the log. */
export async function prepareProjection(folder: string, eventLog: EventLog, log: Logger): Promise<Prepared> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = join(folder, 'projection.db')
  const existing = openUnlessUnusable(file, log)
  try {
    await eventLog.ensure()
    const why = existing && (await misfit(eventLog, existing.origin))
    if (existing && why === undefined) return { projection: existing, isVerified: true }
    if (why !== undefined) log.warn({ why }, 'the projection is made anew')
    const { created } = await eventLog.end()
    existing?.close()
    removeProjection(file)
    return { projection: createProjection(file, created), isVerified: true }
  } catch (error) {
    if (existing && existing.applied > 0 && error instanceof LogUnavailable) {
      log.warn({ err: error }, 'the log is out of reach: this tracker answers from what it knows')
      return { projection: existing, isVerified: false }
    }
    existing?.close()
    throw error
  }
}
