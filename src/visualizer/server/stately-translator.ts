// What is watched, in the words of Stately's inspector (@statelyai/inspect): an actor that is new, an event that was sent,
// a state that was come to. Pure: messages of ours in, events of theirs out. Nothing is in them that a page would not show.

import type { AnyStateMachine } from 'xstate'
import type { InspectedActor } from '../../wire/inspected-actor.ts'
import type { Inspection } from '../../wire/inspection.ts'
import { addressOf, trackerInspected } from '../../wire/subjects.ts'

/** Of the protocol, which has the package's. */
const _version = '0.7.2'

interface Head {
  /** Ids are of a process: one that starts again has others. */
  readonly sessionId: string
  readonly rootId: string
  readonly createdAt: string
  readonly id: string
  readonly _version: string
}

interface ShownSnapshot {
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
        readonly parentId?: string
        /** A machine's configuration, in JSON. */
        readonly definition: string
        readonly snapshot: ShownSnapshot
      }
    | { readonly type: '@xstate.event'; readonly event: { readonly type: string }; readonly sourceId?: string }
    | { readonly type: '@xstate.snapshot'; readonly event: { readonly type: string }; readonly snapshot: ShownSnapshot }
  )

type Unheaded<E> = E extends unknown ? Omit<E, keyof Head> : never

const shownOf = ({ status, state, context, error }: InspectedActor): ShownSnapshot => ({
  status,
  ...(state === null ? {} : { value: state }),
  context,
  ...(error === null ? {} : { error }),
})

/** Functions in it are shown by their names, as Stately's own package does. */
const definitionOf = (machine: AnyStateMachine): string =>
  JSON.stringify(machine.config, (_, value) => (typeof value === 'function' ? { type: value.name } : value))

interface Process {
  /** The session of its root, which every picture begins with. */
  readonly root: string
  readonly known: Set<string>
  /** Children told of before their parents, in one breath with them, by their ids. */
  readonly early: Map<string, InspectedActor>
  /** Seen in the parts of a picture that is not whole yet. */
  seen: Set<string>
}

/** Remembers which actors it has announced; `digests` says which machines' definitions are ours (charts/definition-digests.ts). */
export function createStatelyEvents(
  machines: readonly AnyStateMachine[],
  digests: Readonly<Record<string, string>>,
): (subject: string, message: Inspection) => StatelyEvent[] {
  const definitions = new Map(machines.map(machine => [machine.id, definitionOf(machine)]))
  /** Machines of which that process runs another version. */
  const foreign = new Map<string, ReadonlySet<string>>()
  const processes = new Map<string, Process>()

  return (subject, message) => {
    const { run, n, at } = message
    const events: StatelyEvent[] = []
    const session = (id: string) => `${run}:${id}`
    // A picture comes first: until then nobody's parents are known.
    if (message.kind === 'picture' && message.part === 0 && !processes.has(run))
      processes.set(run, {
        root: session(message.actors[0]?.id ?? ''),
        known: new Set(),
        early: new Map(),
        seen: new Set(),
      })
    const process = processes.get(run)
    if (!process) return events
    const say = (id: string, moment: number, event: Unheaded<StatelyEvent>) =>
      events.push({
        sessionId: session(id),
        rootId: process.root,
        createdAt: String(moment),
        id: `${run}:${n}:${events.length}`,
        _version,
        ...event,
      })

    const introduce = (actor: InspectedActor): void => {
      const { machine, parent } = actor
      if (process.known.has(actor.id)) return
      if (parent !== null && !process.known.has(parent)) {
        process.early.set(actor.id, actor)
        return
      }
      process.known.add(actor.id)
      process.early.delete(actor.id)
      const isOurs = machine !== null && !foreign.get(run)?.has(machine)
      const name = parent === null ? `${ownerOf(subject)} ${actor.name}` : actor.name
      say(actor.id, actor.at, {
        type: '@xstate.actor',
        name,
        ...(parent === null ? {} : { parentId: session(parent) }),
        definition: (isOurs ? definitions.get(machine) : undefined) ?? JSON.stringify({ id: name }),
        snapshot: shownOf(actor),
      })
      for (const child of process.early.values()) if (child.parent === actor.id) introduce(child)
    }
    const show = (actor: InspectedActor, event: string) => {
      if (!process.known.has(actor.id)) return
      say(actor.id, actor.at, { type: '@xstate.snapshot', event: { type: event }, snapshot: shownOf(actor) })
      // Ids are used once: it will not be heard of again.
      if (actor.status !== 'active') process.known.delete(actor.id)
    }

    if (message.kind === 'picture') {
      foreign.set(
        run,
        new Set(Object.entries(message.definitions).flatMap(([id, digest]) => (digests[id] === digest ? [] : [id]))),
      )
      if (message.part === 0) {
        process.seen = new Set()
        process.early.clear()
      }
      for (const actor of message.actors) {
        const isKnown = process.known.has(actor.id)
        introduce(actor)
        if (isKnown) show(actor, '')
        process.seen.add(actor.id)
      }
      if (message.part === message.parts - 1)
        for (const id of process.known)
          if (!process.seen.has(id)) {
            process.known.delete(id)
            say(id, at, { type: '@xstate.snapshot', event: { type: '' }, snapshot: { status: 'stopped', context: {} } })
          }
    } else if (message.kind === 'step') {
      introduce(message.actor)
      show(message.actor, message.event)
    } else if (message.kind === 'messages')
      for (const { at: moment, from, to, event } of message.messages)
        if (process.known.has(to))
          say(to, moment, {
            type: '@xstate.event',
            event: { type: event },
            ...(from !== null && process.known.has(from) ? { sourceId: session(from) } : {}),
          })
    return events
  }
}

function ownerOf(subject: string): string {
  const { user = '', device = '' } = addressOf(subject) ?? {}
  return user === trackerInspected('').user ? `tracker ${device}` : `${user} on ${device.slice(0, 6)}`
}
