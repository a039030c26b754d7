// Runs one tracker: gives the machine of machines/tracker.ts its actors, and holds what they share while the
// tracker is prepared. Any number of trackers may run for one cluster, each with a name and a folder of its own.

import { type AnyActorRef, createActor, type EventObject, fromCallback, fromPromise, waitFor } from 'xstate'
import { writeTunables } from '../../../config/tracker.ts'
import { definitionDigests } from '../../charts/definition-digests.ts'
import { createWriteAllowance } from '../../domain/write-allowance.ts'
import { trackerMachine } from '../../machines/tracker.ts'
import { anyWatch, trackerInspected } from '../../wire/subjects.ts'
import { inspectProcess } from '../inspection/inspect-process.ts'
import { createAttemptCounts } from './attempt-counts.ts'
import { authenticatorActor } from './authenticator.ts'
import { openEventLog } from './event-log.ts'
import { logFollowerActor } from './log-follower.ts'
import { notifierActor } from './notifier.ts'
import { createOnlineDevices } from './online-devices.ts'
import { createPasswordQueue } from './password-queue.ts'
import { prepareProjection } from './prepare-projection.ts'
import { presenceActor } from './presence.ts'
import { createProgress } from './progress.ts'
import { requestHandlerActor } from './request-handler.ts'
import { connectTracker, type TrackerConnections } from './tracker-connections.ts'
import type { TrackerActor, TrackerParts, TrackerSettings } from './tracker-parts.ts'

export interface RunningTracker {
  /** Stops answering, closes everything, and resolves when that is done. */
  stop(): Promise<void>
}

/** Starts a tracker that serves as soon as brokers and log let it, and goes on trying until it is stopped. */
export function runTracker(settings: TrackerSettings): RunningTracker {
  const { name, servers, folder, secrets, brokers, log } = settings
  let connections: TrackerConnections | undefined
  let parts: TrackerParts | undefined

  const needed = <T>(what: T | undefined): T => {
    if (what === undefined) throw new Error('bug: a part of the tracker was started before what it needs')
    return what
  }
  const unprepare = () => {
    parts?.projection.close()
    parts = undefined
  }
  let hide = () => {}
  const release = async () => {
    hide()
    hide = () => {}
    unprepare()
    const open = connections
    connections = undefined
    await open?.close()
  }
  const whenPrepared = <Heard extends EventObject>(actor: TrackerActor<Heard>) =>
    fromCallback<Heard>(scope => actor(needed(parts))(scope))

  const machine = trackerMachine.provide({
    actors: {
      connect: fromPromise(async ({ signal }) => {
        await release()
        const made = await connectTracker(name, servers, secrets)
        if (signal.aborted) return made.close()
        connections = made
        const me = trackerInspected(name)
        const root: AnyActorRef = tracker
        hide = inspectProcess({
          connection: made.shoal,
          me,
          watchSubjects: [anyWatch],
          root,
          definitions: definitionDigests,
        })
      }),
      connectionWatch: fromCallback(({ sendBack }) => {
        const watched = needed(connections)
        void watched.closed.then(error => {
          if (connections === watched) sendBack({ type: 'connections.lost', error })
        })
      }),
      prepare: fromPromise(async ({ signal }) => {
        unprepare()
        const open = needed(connections)
        const eventLog = await openEventLog(open.shoal, brokers)
        const { projection, isVerified } = await prepareProjection(folder, eventLog, log)
        if (signal.aborted) return projection.close()
        const progress = createProgress(projection.applied)
        const online = createOnlineDevices()
        const attempts = createAttemptCounts(settings, open.auth)
        const hashing = createPasswordQueue()
        parts = {
          ...settings,
          connections: open,
          eventLog,
          projection,
          isVerified,
          progress,
          online,
          attempts,
          hashing,
          writing: createWriteAllowance(writeTunables.limits, writeTunables.rememberedUsers),
        }
      }),
      logFollower: whenPrepared(logFollowerActor),
      presence: whenPrepared(presenceActor),
      requestHandler: whenPrepared(requestHandlerActor),
      authenticator: whenPrepared(authenticatorActor),
      notifier: whenPrepared(notifierActor),
      release: fromPromise(release),
    },
    actions: {
      tellFailure: (_, { step, error }) => log.error({ step, err: error }, 'a part of the tracker failed'),
    },
  })

  const tracker = createActor(machine)
  let state = ''
  tracker.subscribe({
    next: snapshot => {
      const now = JSON.stringify(snapshot.value)
      if (now === state) return
      state = now
      log.info({ state: snapshot.value, applied: parts?.progress.applied }, 'the tracker is now')
    },
    error: error => log.fatal({ err: error }, 'bug: the tracker failed as a whole'),
  })
  tracker.start()

  return {
    async stop() {
      tracker.send({ type: 'tracker.stop' })
      await waitFor(tracker, snapshot => snapshot.status !== 'active')
    },
  }
}
