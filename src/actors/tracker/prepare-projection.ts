// Opens the tracker's projection and checks that it is of this log. One that is damaged, of another version or cluster, or
// ahead of the log is thrown away and rebuilt from the first entry.

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

/** Why a projection is not of this log; undefined if it is. Throws LogUnavailable. */
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
  /** False if the brokers do not answer: a projection that fitted before most likely still does. */
  readonly isVerified: boolean
}

/** Also creates the log if there is none. Throws LogUnavailable if this tracker could answer nothing without the log. */
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
