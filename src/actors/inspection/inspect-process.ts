// Shows one process's actors to its watchers: a snapshot of all to each new watcher, then steps and messages, and what
// `more` adds at its own pace. While nobody watches, none of it runs. On the wire a snapshot is a message of the kind
// `picture`.

import type { Msg, NatsConnection } from 'nats'
import type { AnyActorRef } from 'xstate'
import { inspectionTunables } from '../../../config/inspection.ts'
import type { DeviceRef } from '../../domain/device-ref.ts'
import { inspectSystem } from '../../machines/xstate-internals.ts'
import { inspectionBounds } from '../../wire/inspection-bounds.ts'
import { describeActor, familyOf } from './describe-actor.ts'
import { type Content, InspectionPublisher } from './inspection-publisher.ts'
import { MachineObserver } from './machine-observer.ts'
import { hearWatchers, type WatchClock } from './watchers.ts'

interface Inspected {
  readonly connection: Pick<NatsConnection, 'publish' | 'subscribe' | 'flush' | 'isClosed'>
  readonly me: DeviceRef
  /** Where watchers announce themselves. */
  readonly watchSubjects: readonly string[]
  /** False for an announcement that is to be dropped unread. */
  admits?(announcement: Pick<Msg, 'subject' | 'data'>): boolean
  readonly root: AnyActorRef
  /** Machine id -> digest. */
  readonly definitions: () => Readonly<Record<string, string>>
  /** Asked every `inspectionTunables.downloadEveryMs`; only what has changed is published. */
  more?(): { readonly about: string; readonly content: Content }[]
  /** By which silent watchers are forgotten. */
  readonly clock?: WatchClock
}

/** Returns a function that ends it. */
export function inspectProcess(inspected: Inspected): () => void {
  const { connection, me, watchSubjects, root, definitions, more = () => [], clock, admits } = inspected
  const publisher = new InspectionPublisher(connection, me, () => publishSnapshot(null))
  /** The JSON last published of what `more` tells, by `about`. */
  const published = new Map<string, string>()
  let stop = () => {}

  const publishSnapshot = (watcher: string | null) => {
    const actors = familyOf(root).map(describeActor)
    const parts = Math.ceil(actors.length / inspectionBounds.actorsPerPicture)
    for (let part = 0; part < parts; part += 1) {
      const from = part * inspectionBounds.actorsPerPicture
      publisher.publish('$picture', {
        kind: 'picture',
        watcher,
        part,
        parts,
        actors: actors.slice(from, from + inspectionBounds.actorsPerPicture),
        definitions: definitions(),
      })
    }
    published.clear()
  }

  const publishMore = () => {
    for (const { about, content } of more()) {
      const json = JSON.stringify(content)
      if (published.get(about) === json) continue
      if (publisher.publish(about, content)) published.set(about, json)
    }
  }

  const start = () => {
    const observer = new MachineObserver({
      step: step => publisher.publish(step.actor.name, { kind: 'step', ...step }),
      messages: messages => publisher.publish('$messages', { kind: 'messages', ...messages }),
    })
    const inspection = inspectSystem(root, event => observer.observe(event))
    const moreTimer = setInterval(publishMore, inspectionTunables.downloadEveryMs).unref()
    stop = () => {
      inspection.unsubscribe()
      observer.close()
      clearInterval(moreTimer)
      published.clear()
    }
  }

  const events = { started: start, joined: publishSnapshot, ended: () => stop() }
  return hearWatchers(connection, watchSubjects, events, { clock, admits })
}
