// What processes tell watchers of their actors: a snapshot of all, each actor's steps, and the messages between them.

import * as z from 'zod'
import { boundedText, count, inspectionBounds, inspectionHead } from './inspection-bounds.ts'
import { millisecondsSchema } from './schemas.ts'

/** Names one actor of one process for as long as that runs; never used again. */
export const actorIdSchema = boundedText(40)

/** XState's state value: a name, or nested names. */
const stateValueSchema = z.json().refine(value => JSON.stringify(value).length <= 2_000, 'a state value of that size')

/** An actor as it is now. */
const actorSchema = z.strictObject({
  id: actorIdSchema,
  /** The actor that started it; null for the root of a process. */
  parent: actorIdSchema.nullable(),
  /** As its parent calls it: "download-3", "session:bob/0123456789ab", "store". A root is called by its machine. */
  name: boundedText(200),
  kind: z.enum(['machine', 'other']),
  /** A machine's id, as in the charts (wire/machine-chart.ts). */
  machine: boundedText(100).nullable(),
  status: z.enum(['active', 'done', 'error', 'stopped']),
  /** Null for anything but a machine. */
  state: stateValueSchema.nullable(),
  /** A summary in numbers and names, for people. */
  context: z
    .record(boundedText(60), z.union([boundedText(200), z.number(), z.boolean(), z.null()]))
    .refine(context => Object.keys(context).length <= inspectionBounds.contextEntries, 'too many entries'),
  /** Why it failed. */
  error: boundedText(300).nullable(),
  /** When it was so, ms since 1970, by the device's clock. */
  at: millisecondsSchema,
})
export type InspectedActor = z.infer<typeof actorSchema>

const takenTransitionSchema = z.strictObject({
  /** The id of an edge of the machine's chart. */
  edge: boundedText(300),
  /** The state node it left and those it entered, by their ids: "download.fetching.locating". No targets: only actions. */
  source: boundedText(200),
  targets: z.array(boundedText(200)).max(8),
  event: boundedText(200),
  guard: boundedText(100).nullable(),
})
export type TakenTransition = z.infer<typeof takenTransitionSchema>

/** An actor after something happened to it. Its first step announces it; one that is not `active` is its last. */
export const stepSchema = z.strictObject({
  ...inspectionHead,
  kind: z.literal('step'),
  actor: actorSchema,
  event: boundedText(200),
  /** The actor that sent the event, when it is known. */
  from: actorIdSchema.nullable(),
  /**
   * Taken since the last step, in order. A transition that changes no state is listed once, at its latest; of too many,
   * the first are left out.
   */
  transitions: z.array(takenTransitionSchema).max(inspectionBounds.transitionsPerStep),
  /** How many steps were merged into this one, itself included: at least 1. */
  merged: z.number().int().positive(),
})
export type InspectedStep = z.infer<typeof stepSchema>

/**
 * A snapshot: all actors of the process, each once, in `parts` messages. An actor in none of them is gone. Sent to each
 * new watcher, and after the process had to drop something. On the wire its kind is called `picture`.
 */
export const snapshotSchema = z.strictObject({
  ...inspectionHead,
  kind: z.literal('picture'),
  /** The one watcher it was sent for (wire/watching.ts), if there is one; every other may use it, too. */
  watcher: boundedText(32).nullable(),
  part: count,
  parts: z.number().int().positive(),
  actors: z.array(actorSchema).max(inspectionBounds.actorsPerPicture),
  /** Machine id -> digest of its definition. If it differs from your chart's, the process is of another version. */
  definitions: z.record(boundedText(100), boundedText(64)),
})

/** What actors sent to each other since the last of these. The same message many times is one entry. */
export const messagesSchema = z.strictObject({
  ...inspectionHead,
  kind: z.literal('messages'),
  messages: z
    .array(
      z.strictObject({
        at: millisecondsSchema,
        /** Null: from outside the actors, as a timer or the command line. */
        from: actorIdSchema.nullable(),
        to: actorIdSchema,
        event: boundedText(200),
        count: z.number().int().positive(),
      }),
    )
    .max(inspectionBounds.messagesPerBatch),
  /** How many more there were. */
  omitted: count,
})
export type InspectedMessages = z.infer<typeof messagesSchema>
