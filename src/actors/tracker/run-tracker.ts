// Runs one tracker: gives the machine of machines/tracker.ts its actors, and logs each state it enters. Any number of
// trackers may run for one cluster, each with a name and a folder of its own.

import { type AnyActorRef, createActor, type EventObject, fromCallback, fromPromise, waitFor } from 'xstate'
import { trackerMachine } from '../../machines/tracker.ts'
import { authenticatorActor } from './authenticator.ts'
import { housekeeperActor } from './housekeeper.ts'
import { logFollowerActor } from './log-follower.ts'
import { notifierActor } from './notifier.ts'
import { presenceActor } from './presence.ts'
import { requestHandlerActor } from './request-handler.ts'
import type { TrackerActor, TrackerSettings } from './tracker-parts.ts'
import { TrackerResources } from './tracker-resources.ts'

export interface RunningTracker {
  /** Stops answering, closes everything, and resolves when that is done. */
  stop(): Promise<void>
}

/** Starts a tracker that serves as soon as brokers and log let it, and goes on trying until it is stopped. */
export function runTracker(settings: TrackerSettings): RunningTracker {
  const { log } = settings
  const resources = new TrackerResources(settings)
  const whenPrepared = <Heard extends EventObject>(actor: TrackerActor<Heard>) =>
    fromCallback<Heard>(scope => actor(resources.parts)(scope))

  const machine = trackerMachine.provide({
    actors: {
      connect: fromPromise(async ({ signal }) => {
        const root: AnyActorRef = tracker
        await resources.connect(root, signal)
      }),
      connectionWatch: fromCallback(({ sendBack }) => {
        const { connections } = resources
        void connections.closed.then(error => {
          if (resources.isCurrent(connections)) sendBack({ type: 'connections.lost', error })
        })
      }),
      prepare: fromPromise(({ signal }) => resources.prepare(signal)),
      logFollower: whenPrepared(logFollowerActor),
      presence: whenPrepared(presenceActor),
      requestHandler: whenPrepared(requestHandlerActor),
      authenticator: whenPrepared(authenticatorActor),
      notifier: whenPrepared(notifierActor),
      housekeeper: whenPrepared(housekeeperActor),
      release: fromPromise(() => resources.release()),
    },
    actions: {
      reportFailure: (_, { child, error }) => log.error({ step: child, err: error }, 'a part of the tracker failed'),
    },
  })

  const tracker = createActor(machine)
  let state = ''
  tracker.subscribe({
    next: snapshot => {
      const now = JSON.stringify(snapshot.value)
      if (now === state) return
      state = now
      log.info({ state: snapshot.value, applied: resources.applied }, 'the tracker is now')
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
