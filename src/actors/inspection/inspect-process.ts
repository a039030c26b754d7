// Shows one process's actors to whoever watches it: a picture of all to each new watcher, then steps and messages, and
// what `more` adds at its own pace. While nobody watches nothing of it runs.

import type { NatsConnection } from 'nats'
import type { AnyActorRef } from 'xstate'
import { inspectionTunables } from '../../../config/inspection.ts'
import type { DeviceRef } from '../../domain/device-ref.ts'
import { inspectionBounds } from '../../wire/inspection.ts'
import { describeActor, familyOf } from './describe-actor.ts'
import { type Content, createInspectionPublisher } from './inspection-publisher.ts'
import { observeMachines } from './observe-machines.ts'
import { hearWatchers, type WatchClock } from './watchers.ts'

interface Shown {
  readonly connection: Pick<NatsConnection, 'publish' | 'subscribe' | 'flush' | 'isClosed'>
  readonly me: DeviceRef
  /** Where watchers say that they are there. */
  readonly watchSubjects: readonly string[]
  readonly root: AnyActorRef
  /** Machine id -> digest. */
  readonly definitions: () => Readonly<Record<string, string>>
  /** Looked at every `inspectionTunables.downloadEveryMs`; what is as it was is not said again. */
  more?(): { readonly about: string; readonly content: Content }[]
  /** By which watchers are forgotten. */
  readonly clock?: WatchClock
}

/** Returns what ends it. */
export function inspectProcess(shown: Shown): () => void {
  const { connection, me, watchSubjects, root, definitions, more = () => [], clock } = shown
  const outlet = createInspectionPublisher(connection, me, () => paint(null))
  /** What was said of it last, by `about`. */
  const said = new Map<string, string>()
  let stop = () => {}

  const paint = (watcher: string | null) => {
    const actors = familyOf(root).map(describeActor)
    const parts = Math.ceil(actors.length / inspectionBounds.actorsPerPicture)
    for (let part = 0; part < parts; part += 1) {
      const from = part * inspectionBounds.actorsPerPicture
      outlet.publish('$picture', {
        kind: 'picture',
        watcher,
        part,
        parts,
        actors: actors.slice(from, from + inspectionBounds.actorsPerPicture),
        definitions: definitions(),
      })
    }
    said.clear()
  }

  const tellMore = () => {
    for (const { about, content } of more()) {
      const text = JSON.stringify(content)
      if (said.get(about) === text) continue
      if (outlet.publish(about, content)) said.set(about, text)
    }
  }

  const begin = () => {
    const observer = observeMachines(
      step => outlet.publish(step.actor.name, { kind: 'step', ...step }),
      messages => outlet.publish('$messages', { kind: 'messages', ...messages }),
    )
    const inspecting = root.system.inspect(observer.see)
    const looking = setInterval(tellMore, inspectionTunables.downloadEveryMs).unref()
    stop = () => {
      inspecting.unsubscribe()
      observer.close()
      clearInterval(looking)
      said.clear()
    }
  }

  return hearWatchers(connection, watchSubjects, { began: begin, came: paint, ended: () => stop() }, clock)
}
