// Translates what watchers are told into the protocol of Stately's inspector (@statelyai/inspect): actors that are new,
// events that were sent, states that were entered. Pure, and it tells nothing that a page would not show. Tests hold it to
// the package as installed: its types, its version, its server and its receiver.

import type { AnyStateMachine } from 'xstate'
import type { InspectedActor, InspectedMessages } from '../../wire/inspected-actor.ts'
import type { Inspection } from '../../wire/inspection.ts'
import { addressOf, trackerInspected } from '../../wire/subjects.ts'

/** Of the protocol, which is versioned by the package. */
export const statelyVersion = '0.7.2'

interface Head {
  /** Ids are unique across processes: one that starts again has others. */
  readonly sessionId: string
  readonly rootId: string
  readonly createdAt: string
  readonly id: string
  readonly _version: string
}

interface StatelySnapshot {
  readonly status: InspectedActor['status']
  readonly value?: unknown
  readonly context: unknown
  readonly error?: string
}

export type StatelyEvent = Head &
  (
    | {
        readonly type: '@xstate.actor'
        readonly name: string
        readonly parentId: string | undefined
        /** A machine's configuration, in JSON. */
        readonly definition: string
        readonly snapshot: StatelySnapshot
      }
    | {
        readonly type: '@xstate.event'
        readonly event: { readonly type: string }
        readonly sourceId: string | undefined
      }
    | {
        readonly type: '@xstate.snapshot'
        readonly event: { readonly type: string }
        readonly snapshot: StatelySnapshot
      }
  )

type WithoutHead<E> = E extends unknown ? Omit<E, keyof Head> : never

const snapshotOf = ({ status, state, context, error }: InspectedActor): StatelySnapshot => ({
  status,
  ...(state === null ? {} : { value: state }),
  context,
  ...(error === null ? {} : { error }),
})

/** Functions in it become their names, as in Stately's own package. */
const definitionOf = (machine: AnyStateMachine): string =>
  JSON.stringify(machine.config, (_, value) => (typeof value === 'function' ? { type: value.name } : value))

/** What is known of one process. */
interface Process {
  /** The session of its root, the first actor of every snapshot. */
  readonly root: string
  /** Actors announced, by their ids. */
  readonly announced: Set<string>
  /** Children reported shortly before their parents, by their ids. */
  readonly early: Map<string, InspectedActor>
  /** Ids in the parts of a snapshot that is not complete yet. */
  inSnapshot: Set<string>
  /** Machines of which it runs another version. */
  foreign: ReadonlySet<string>
}

export class StatelyTranslator {
  /** Machine id -> its configuration as JSON. */
  readonly #definitions: ReadonlyMap<string, string>
  readonly #digests: Readonly<Record<string, string>>
  readonly #processes = new Map<string, Process>()

  /** `digests` tell whether a process runs the same definitions (charts/definition-digests.ts). */
  constructor(machines: readonly AnyStateMachine[], digests: Readonly<Record<string, string>>) {
    this.#definitions = new Map(machines.map(machine => [machine.id, definitionOf(machine)]))
    this.#digests = digests
  }

  /** Nothing until the first snapshot of a process: no actor's parent is known before. */
  translate(subject: string, message: Inspection): StatelyEvent[] {
    const process = this.#processOf(message)
    if (!process) return []
    const translation = new Translation(process, subject, message, machine =>
      process.foreign.has(machine) ? undefined : this.#definitions.get(machine),
    )
    switch (message.kind) {
      case 'picture':
        process.foreign = new Set(
          Object.entries(message.definitions).flatMap(([id, digest]) => (this.#digests[id] === digest ? [] : [id])),
        )
        translation.snapshot(message)
        break
      case 'step':
        translation.announce(message.actor)
        translation.state(message.actor, message.event)
        break
      case 'messages':
        for (const each of message.messages) translation.message(each)
    }
    return translation.events
  }

  #processOf(message: Inspection): Process | undefined {
    const known = this.#processes.get(message.run)
    if (known || message.kind !== 'picture' || message.part > 0) return known
    const process: Process = {
      root: `${message.run}:${message.actors[0]?.id ?? ''}`,
      announced: new Set(),
      early: new Map(),
      inSnapshot: new Set(),
      foreign: new Set(),
    }
    this.#processes.set(message.run, process)
    return process
  }
}

/** One message of a process becomes events. */
class Translation {
  readonly events: StatelyEvent[] = []
  readonly #process: Process
  readonly #subject: string
  readonly #message: Inspection
  readonly #definitionOf: (machine: string) => string | undefined

  constructor(
    process: Process,
    subject: string,
    message: Inspection,
    definition: (machine: string) => string | undefined,
  ) {
    this.#process = process
    this.#subject = subject
    this.#message = message
    this.#definitionOf = definition
  }

  /** Once, and only after its parent; a child that comes first is announced with its parent. */
  announce(actor: InspectedActor): void {
    const { announced, early } = this.#process
    const { id, machine, parent } = actor
    if (announced.has(id)) return
    if (parent !== null && !announced.has(parent)) {
      early.set(id, actor)
      return
    }
    announced.add(id)
    early.delete(id)
    const name = parent === null ? `${ownerOf(this.#subject)} ${actor.name}` : actor.name
    this.#emit(id, actor.at, {
      type: '@xstate.actor',
      name,
      parentId: parent === null ? undefined : this.#session(parent),
      definition: (machine === null ? undefined : this.#definitionOf(machine)) ?? JSON.stringify({ id: name }),
      snapshot: snapshotOf(actor),
    })
    for (const child of early.values()) if (child.parent === id) this.announce(child)
  }

  state(actor: InspectedActor, event: string): void {
    if (!this.#process.announced.has(actor.id)) return
    this.#emit(actor.id, actor.at, { type: '@xstate.snapshot', event: { type: event }, snapshot: snapshotOf(actor) })
    // Ids are used once: this one will not come again.
    if (actor.status !== 'active') this.#process.announced.delete(actor.id)
  }

  message({ at, from, to, event }: InspectedMessages['messages'][number]): void {
    const { announced } = this.#process
    if (!announced.has(to)) return
    this.#emit(to, at, {
      type: '@xstate.event',
      event: { type: event },
      sourceId: from !== null && announced.has(from) ? this.#session(from) : undefined,
    })
  }

  /** One part of it. After the last, actors in none of the parts are reported as stopped. */
  snapshot({ part, parts, actors, at }: Extract<Inspection, { kind: 'picture' }>): void {
    const process = this.#process
    if (part === 0) {
      process.inSnapshot = new Set()
      process.early.clear()
    }
    for (const actor of actors) {
      const wasAnnounced = process.announced.has(actor.id)
      this.announce(actor)
      if (wasAnnounced) this.state(actor, '')
      process.inSnapshot.add(actor.id)
    }
    if (part < parts - 1) return
    for (const id of process.announced) {
      if (process.inSnapshot.has(id)) continue
      process.announced.delete(id)
      this.#emit(id, at, {
        type: '@xstate.snapshot',
        event: { type: '' },
        snapshot: { status: 'stopped', context: {} },
      })
    }
  }

  #session(id: string): string {
    return `${this.#message.run}:${id}`
  }

  #emit(id: string, at: number, event: WithoutHead<StatelyEvent>): void {
    this.events.push({
      sessionId: this.#session(id),
      rootId: this.#process.root,
      createdAt: String(at),
      id: `${this.#message.run}:${this.#message.n}:${this.events.length}`,
      _version: statelyVersion,
      ...event,
    })
  }
}

function ownerOf(subject: string): string {
  const { user = '', device = '' } = addressOf(subject) ?? {}
  return user === trackerInspected('').user ? `tracker ${device}` : `${user} on ${device.slice(0, 6)}`
}
