// What the processes of a cluster say of themselves to whoever watches (the visualizer does), on `inspectSubject`.
// Always bounded: every text, list and map here has a most, and a whole message has one. Never a secret, a ticket, a
// path on disk or a byte of a file: names, numbers, states. Nothing of it is said while nobody watches (wire/watching.ts).
// Whoever shows this shows text: a name in it was chosen by somebody else, and may look like markup.

import * as z from 'zod'
import { readJson } from './json.ts'
import { millisecondsSchema } from './schemas.ts'

export const inspectionBounds = {
  /** Of one message; a broker's own limit is 1 MB. */
  messageBytes: 128 * 1024,
  actorsPerPicture: 64,
  messagesPerBatch: 128,
  transitionsPerStep: 12,
  contextEntries: 24,
  peersPerDownload: 64,
  waits: 8,
  /** Above a manifest's most (wire/schemas.ts). */
  pieces: 16_384,
} as const

const text = (most: number) => z.string().max(most)
const count = z.number().int().nonnegative()
/** One byte a piece, in base64. */
const pieceBytes = z
  .string()
  .max(Math.ceil(inspectionBounds.pieces / 3) * 4)
  .regex(/^[A-Za-z0-9+/]*={0,2}$/)

/** Names one actor of one process, as long as that runs; used again by none. */
const actorIdSchema = text(40)

/** XState's state value: a name, or nested names. */
const stateValueSchema = z.json().refine(value => JSON.stringify(value).length <= 2_000, 'a state value of that size')

/** What is known of one actor now. */
const actorSchema = z.strictObject({
  id: actorIdSchema,
  /** Who started it; null of a process's root. */
  parent: actorIdSchema.nullable(),
  /** As its parent calls it: "download:3", "link:bob/0123456789ab", "store". The root's is its machine's. */
  name: text(200),
  kind: z.enum(['machine', 'other']),
  /** Of a machine: its id, as in the charts (wire/machine-chart.ts). */
  machine: text(100).nullable(),
  status: z.enum(['active', 'done', 'error', 'stopped']),
  /** Null of what is no machine. */
  state: stateValueSchema.nullable(),
  /** A summary in numbers and names, for people. */
  context: z
    .record(text(60), z.union([text(200), z.number(), z.boolean(), z.null()]))
    .refine(context => Object.keys(context).length <= inspectionBounds.contextEntries, 'too many entries'),
  /** Why it failed. */
  error: text(300).nullable(),
  /** When it came to this, ms since 1970, by the device's clock. */
  at: millisecondsSchema,
})
export type InspectedActor = z.infer<typeof actorSchema>

/** Which edge of its chart was taken: `edge` is the id of one there. */
const takenSchema = z.strictObject({
  edge: text(300),
  /** The state nodes it left and entered, by their ids: "download.fetching.locating". No target: only actions. */
  source: text(200),
  targets: z.array(text(200)).max(8),
  event: text(200),
  guard: text(100).nullable(),
})
export type TakenTransition = z.infer<typeof takenSchema>

/** What every message begins with. */
const head = {
  /** Names the process, from its start to its end (a device that starts again has another). */
  run: z.string().regex(/^[0-9a-f]{16}$/),
  /** Counts this process's messages. A gap: some were lost, ask for a picture (watch anew). */
  n: count,
  at: millisecondsSchema,
}

/** One actor after something happened to it; its first one announces it, one that is not `active` is its last. */
const stepSchema = z.strictObject({
  ...head,
  kind: z.literal('step'),
  actor: actorSchema,
  event: text(200),
  /** The actor that sent the event, when it is known. */
  from: actorIdSchema.nullable(),
  /**
   * Taken since the last step, in order; what led nowhere and happened several times is there once, at its latest; the
   * first ones are left out when there are too many.
   */
  transitions: z.array(takenSchema).max(inspectionBounds.transitionsPerStep),
  /** How many steps were merged into this one, itself included: at least 1. */
  merged: z.number().int().positive(),
})
export type InspectedStep = z.infer<typeof stepSchema>

/**
 * All actors of the process, in `parts` messages, each once: who is in none of them is gone. Comes to each new watcher,
 * and whenever the process had to drop something.
 */
const pictureSchema = z.strictObject({
  ...head,
  kind: z.literal('picture'),
  /** Whom it is for (wire/watching.ts), as far as that is one watcher; everybody else may take it, too. */
  watcher: text(32).nullable(),
  part: count,
  parts: z.number().int().positive(),
  actors: z.array(actorSchema).max(inspectionBounds.actorsPerPicture),
  /** Machine id -> digest of its definition: another one than your chart's, and the process is of another version. */
  definitions: z.record(text(100), text(64)),
})

/** What actors sent to each other meanwhile, for a view of their conversation. The same one many times is one entry. */
const messagesSchema = z.strictObject({
  ...head,
  kind: z.literal('messages'),
  messages: z
    .array(
      z.strictObject({
        at: millisecondsSchema,
        /** Null: from outside the actors (a timer, the command line). */
        from: actorIdSchema.nullable(),
        to: actorIdSchema,
        event: text(200),
        count: z.number().int().positive(),
      }),
    )
    .max(inspectionBounds.messagesPerBatch),
  /** Beyond that, not told. */
  omitted: count,
})
export type InspectedMessages = z.infer<typeof messagesSchema>

/** Why a download is not faster; `sentence` says it to a person, in English, with the numbers in it. */
const waitCodes = [
  /** It waits for its turn among this device's downloads. params: ahead */
  'queued',
  'paused',
  'failed',
  /** Looks at what its part file holds. */
  'checking-part-file',
  'locating',
  /** Trackers or brokers do not answer. What is connected goes on. */
  'trackers-away',
  /** params: offline, sharers */
  'sharers-offline',
  /** Nobody online has them. params: pieces */
  'pieces-missing',
  /** They sent wrong pieces. params: peers */
  'peers-dropped',
  'connecting',
  /** Connected peers serve others first and will call. params: peers */
  'waiting-for-turn',
  /** This device's cap on downloads. params: bytesPerSecond */
  'download-limited',
  /** Those peers' own caps on uploads, as they say. params: peers */
  'peers-limited',
  /** This device's cap on connections. params: connections */
  'connections-limited',
  /** Pieces wait to be written, or checked, and that takes longest. params: pieces, bytesPerSecond */
  'disk',
  'checking',
  /** Peers deliver slowly and nothing here holds them up. params: peers, bytesPerSecond */
  'peers-slow',
  /** Only through the brokers. params: peers */
  'relayed',
  /** All pieces are here; the whole file is checked. */
  'verifying-whole',
] as const

const waitSchema = z.strictObject({
  code: z.enum(waitCodes),
  params: z.record(text(40), z.union([text(100), z.number()])),
  sentence: text(300),
})
export type Wait = z.infer<typeof waitSchema>

/** What a byte of `pieceMap` says. From `firstPeer` on: verified, and it came from `peers[byte - firstPeer]`. */
export const pieceStates = { missing: 0, inFlight: 1, checking: 2, verified: 3, firstPeer: 4 } as const

const downloadPeerSchema = z.strictObject({
  user: text(64),
  device: text(64),
  /** `gone`: not connected, named for what came from it. */
  state: z.enum(['connecting', 'ready', 'waiting', 'lost', 'gone']),
  via: z.enum(['direct', 'relay']).nullable(),
  /** Over the last few seconds; of verified pieces. */
  bytesPerSecond: z.number().nonnegative(),
  /** Verified, over all sessions. */
  pieces: count,
  bytes: z.number().nonnegative(),
  /** Asked of it now. */
  inFlight: z.array(count).max(64),
  /** Pieces it has; null before it has said so. */
  has: count.nullable(),
  /** Its own cap on uploads, for all whom it serves together, where it says that this is what we wait for. */
  limit: z.number().nullable(),
  /** Why it was lost, or what it waits for. */
  why: text(200).nullable(),
})
export type DownloadPeer = z.infer<typeof downloadPeerSchema>

/** One download of this device, whole, at a bounded rate (config/inspection.ts). */
const downloadSchema = z.strictObject({
  ...head,
  kind: z.literal('download'),
  /** Numbered on its device. */
  download: count,
  /** Its machine's actor; null while none runs. */
  actor: actorIdSchema.nullable(),
  group: text(64),
  name: text(1_000),
  /** As in `shoal downloads`. */
  state: text(20),
  bytes: z.strictObject({ done: z.number(), total: z.number(), fetched: z.number() }),
  pieces: z.strictObject({ done: count, total: count.max(inspectionBounds.pieces) }),
  pieceLength: z.number(),
  bytesPerSecond: z.number().nonnegative(),
  /** By that rate; null when it stands still. */
  secondsLeft: z.number().nullable(),
  /** Of this device; null is no limit. */
  limits: z.strictObject({
    up: z.number().nullable(),
    down: z.number().nullable(),
    connections: z.number().nullable(),
  }),
  /** See `pieceStates`. */
  pieceMap: pieceBytes,
  /** How many connected peers have each piece, 255 at most. */
  availability: pieceBytes,
  /** New ones are added at the end, so that a byte of `pieceMap` keeps its meaning within a run. */
  peers: z.array(downloadPeerSchema).max(inspectionBounds.peersPerDownload),
  /** Devices that offer the whole file, and those of them that are online, as trackers said last; null: not known yet. */
  sharers: z.strictObject({ all: count, online: count }).nullable(),
  /** The most important first; none: it is as fast as it can be, or done. */
  waits: z.array(waitSchema).max(inspectionBounds.waits),
})
export type InspectedDownload = z.infer<typeof downloadSchema>

/** What a device serves now, and to whom. */
const servingSchema = z.strictObject({
  ...head,
  kind: z.literal('serving'),
  limit: z.number().nullable(),
  bytesServed: z.number().nonnegative(),
  links: z
    .array(
      z.strictObject({
        user: text(64),
        device: text(64),
        group: text(64),
        name: text(1_000),
        via: z.enum(['direct', 'relay']),
      }),
    )
    .max(256),
})

export const inspectionSchema = z.discriminatedUnion('kind', [
  stepSchema,
  pictureSchema,
  messagesSchema,
  downloadSchema,
  servingSchema,
])
export type Inspection = z.infer<typeof inspectionSchema>

/** Undefined for what is too long, no JSON, or of another form. */
export function readInspection(bytes: Uint8Array): Inspection | undefined {
  if (bytes.length > inspectionBounds.messageBytes) return undefined
  return readJson(bytes, inspectionSchema)
}
