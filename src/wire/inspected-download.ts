// What a device tells watchers of a download, and of what it serves. Each report is whole, and comes at a bounded rate.

import * as z from 'zod'
import { actorIdSchema } from './inspected-actor.ts'
import { boundedText, count, inspectionBounds, inspectionHead } from './inspection-bounds.ts'

/** Why a download is not faster. `sentence` says it to a person, in English, with the numbers in it. */
const waitCodes = [
  /** Behind other downloads of this device. params: ahead */
  'queued',
  'paused',
  'failed',
  /** Checks what its part file holds. */
  'checking-part-file',
  'locating',
  /** No tracker or no broker answers. Peers that are connected go on. */
  'trackers-away',
  /** params: offline, sharers */
  'sharers-offline',
  /** No peer that is online has them. params: pieces */
  'pieces-missing',
  /** They sent wrong pieces. params: peers */
  'peers-dropped',
  'connecting',
  /** Connected peers serve others first. params: peers */
  'waiting-for-turn',
  /** This device's limit on downloads. params: bytesPerSecond */
  'download-limited',
  /** Those peers' own limits on uploads, as they say. params: peers */
  'peers-limited',
  /** This device's limit on connections. params: connections */
  'connections-limited',
  /** Writing pieces, or checking them, takes longest. params: pieces, bytesPerSecond */
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
  params: z.record(boundedText(40), z.union([boundedText(100), z.number()])),
  sentence: boundedText(300),
})
export type Wait = z.infer<typeof waitSchema>

/** What a byte of `pieceMap` means. From `firstPeer` on: verified, and it came from `peers[byte - firstPeer]`. */
export const pieceStates = { missing: 0, inFlight: 1, checking: 2, verified: 3, firstPeer: 4 } as const

const downloadPeerSchema = z.strictObject({
  user: boundedText(64),
  device: boundedText(64),
  /** `gone`: not connected, listed for what came from it. */
  state: z.enum(['connecting', 'ready', 'waiting', 'lost', 'gone']),
  via: z.enum(['direct', 'relay']).nullable(),
  /** In verified pieces, over the last few seconds. */
  bytesPerSecond: z.number().nonnegative(),
  /** Verified, over all sessions. */
  pieces: count,
  bytes: z.number().nonnegative(),
  /** Pieces requested from it now. */
  inFlight: z.array(count).max(64),
  /** Number of pieces it has; null before it has said so. */
  has: count.nullable(),
  /** Its own limit on uploads, shared by all it serves, when it says that we wait for that. */
  limit: z.number().nullable(),
  /** Why it was lost, or what it waits for. */
  why: boundedText(200).nullable(),
})
export type DownloadPeer = z.infer<typeof downloadPeerSchema>

/** One byte a piece, in base64. */
const pieceBytes = z
  .string()
  .max(Math.ceil(inspectionBounds.pieces / 3) * 4)
  .regex(/^[A-Za-z0-9+/]*={0,2}$/)

/** One download of this device. */
export const downloadSchema = z.strictObject({
  ...inspectionHead,
  kind: z.literal('download'),
  /** Its number on its device. */
  download: count,
  /** The actor of its machine; null while none runs. */
  actor: actorIdSchema.nullable(),
  group: boundedText(64),
  name: boundedText(1_000),
  /** As in `shoal downloads`. */
  state: boundedText(20),
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
  /** New peers are added at the end, so that a byte of `pieceMap` keeps its meaning within a run. */
  peers: z.array(downloadPeerSchema).max(inspectionBounds.peersPerDownload),
  /** Devices that offer the whole file, and how many are online, as trackers said last; null: not known yet. */
  sharers: z.strictObject({ all: count, online: count }).nullable(),
  /** The most important first. None: it is as fast as it can be, or done. */
  waits: z.array(waitSchema).max(inspectionBounds.waits),
})
export type InspectedDownload = z.infer<typeof downloadSchema>

/** What a device serves now, and to whom. */
export const servingSchema = z.strictObject({
  ...inspectionHead,
  kind: z.literal('serving'),
  limit: z.number().nullable(),
  bytesServed: z.number().nonnegative(),
  links: z
    .array(
      z.strictObject({
        user: boundedText(64),
        device: boundedText(64),
        group: boundedText(64),
        name: boundedText(1_000),
        via: z.enum(['direct', 'relay']),
      }),
    )
    .max(256),
})
