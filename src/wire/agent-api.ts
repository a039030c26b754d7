// What the command line asks the agent of its device, through a socket in the device's home (actors/device/agent-socket.ts).
// A connection carries one request: one line of JSON from the client, then lines of JSON from the agent: progress, at least
// every second, then one end. Before a long list come lines with its first rows, so no line is long. Silence means that the
// agent is stuck. A client that closes the connection ends what runs for it alone (hashing, watching), never a download.
// Paths are absolute, since the agent has a working directory of its own.

import * as z from 'zod'
import { limitTunables, uploadTunables } from '../../config/swarm.ts'
import { deviceSchema, fileNameSchema, idSchema, refusalSchema } from './schemas.ts'

const nothing = z.strictObject({})
const path = z.string().min(1).max(4096)
/** Downloads are numbered from 1 on a device. */
const downloadId = z.number().int().positive()
const one = z.strictObject({ id: downloadId })

export const downloadStates = [
  'queued',
  'locating',
  'downloading',
  'stalled',
  'paused',
  'verifying',
  'completed',
  'failed',
  'cancelled',
] as const
export type DownloadState = (typeof downloadStates)[number]

/** What came from one device. */
const deliverySchema = z.strictObject({
  user: idSchema,
  device: deviceSchema,
  pieces: z.number(),
  bytes: z.number(),
  via: z.enum(['direct', 'relay']),
})
export type Delivery = z.infer<typeof deliverySchema>

/** A download as people see it: CLI.md's fields, and what a live display needs beside them. */
export const downloadViewSchema = z.strictObject({
  id: downloadId,
  group: idSchema,
  name: fileNameSchema,
  state: z.enum(downloadStates),
  pieces: z.strictObject({ done: z.number(), total: z.number() }),
  bytes: z.strictObject({ done: z.number(), total: z.number() }),
  path: z.string(),
  sha1: z.string(),
  /** Connected peers now. */
  peers: z.number(),
  /** Verified bytes a second, over the last few seconds. */
  bytesPerSecond: z.number(),
  /** Spent downloading, over all sessions; pauses left out. */
  seconds: z.number(),
  /** All piece bytes fetched, verified or not, over all sessions: above `bytes.done` by what was fetched in vain. */
  fetchedBytes: z.number(),
  deliveries: z.array(deliverySchema),
  /** Why it failed, or what it is waiting for. */
  error: z.strictObject({ code: z.string(), message: z.string() }).optional(),
})
export type DownloadView = z.infer<typeof downloadViewSchema>

const rate = z.number().int().min(limitTunables.leastBytesPerSecond).max(limitTunables.mostBytesPerSecond).nullable()

/** Limits of a device, whichever user is logged in; null means no limit. */
export const limitsSchema = z.strictObject({
  /** Bytes a second to all peers together, and from all of them. */
  up: rate,
  down: rate,
  /** Peers that it serves at once, and also those that its downloads are connected to at once. */
  connections: z.number().int().min(limitTunables.leastConnections).max(uploadTunables.maxSessions).nullable(),
})
export type Limits = z.infer<typeof limitsSchema>

const hashingSchema = z.strictObject({ hashedBytes: z.number(), size: z.number() })

const statusSchema = z.strictObject({
  /** Absent while logged out. */
  user: idSchema.optional(),
  device: deviceSchema,
  pid: z.number(),
  /** `connecting`: the first attempt since the log-in or the agent's start has not ended. `offline`: see `problem`. */
  state: z.enum(['logged-out', 'connecting', 'online', 'offline']),
  /** Why it is offline. */
  problem: z.string().optional(),
  /** Where peers connect to; `nowhere` while it does not listen, with why if it cannot. */
  listen: z.string(),
  listenFailure: z.string().optional(),
  uptimeSeconds: z.number(),
  sharing: z.number(),
  downloads: z.number(),
  peers: z.number(),
  memoryBytes: z.number(),
  limits: limitsSchema,
  /** Files that are not shared any more without their owner having said so, and why; latest last. */
  troubles: z.array(z.string()),
})

/** `progress` is the schema of the items before the end; `result` of the end. */
export const agentMethods = {
  status: { params: nothing, progress: z.never(), result: statusSchema },
  /**
   * Ends once peers can connect, or are known to be unable to. Refuses when it is not connected within that time, or without
   * `retry` as soon as an attempt to connect has failed.
   */
  ready: {
    params: z.strictObject({ withinMs: z.number().int().min(0).max(600_000), retry: z.boolean() }),
    progress: z.never(),
    result: statusSchema,
  },
  share: {
    params: z.strictObject({ path, group: idSchema, name: fileNameSchema.optional() }),
    progress: hashingSchema,
    result: z.strictObject({
      group: idSchema,
      name: fileNameSchema,
      size: z.number(),
      sha1: z.string(),
      pieces: z.number(),
    }),
  },
  unshare: { params: z.strictObject({ group: idSchema, name: fileNameSchema }), progress: z.never(), result: nothing },
  download: {
    /** `destination` is a folder that exists, or a path whose folder exists. */
    params: z.strictObject({ group: idSchema, name: fileNameSchema, destination: path, overwrite: z.boolean() }),
    progress: z.never(),
    result: downloadViewSchema,
  },
  /** Follows one download until it is completed, failed, cancelled or paused. */
  'download.follow': { params: one, progress: downloadViewSchema, result: downloadViewSchema },
  downloads: { params: nothing, progress: z.never(), result: z.array(downloadViewSchema) },
  /** All of them, then those that have changed, at most a few times a second, until the client goes away. */
  'downloads.watch': { params: nothing, progress: z.array(downloadViewSchema), result: nothing },
  /** Each trouble (as in `status`) that comes up, until the client goes away. */
  'troubles.watch': { params: nothing, progress: z.string(), result: nothing },
  pause: { params: one, progress: z.never(), result: downloadViewSchema },
  resume: { params: one, progress: z.never(), result: downloadViewSchema },
  cancel: { params: one, progress: z.never(), result: downloadViewSchema },
  limits: { params: nothing, progress: z.never(), result: limitsSchema },
  /** Those left out stay as they are. Holds at once, for what is under way too; kept until it is changed. */
  'limits.change': { params: limitsSchema.partial(), progress: z.never(), result: limitsSchema },
  /** Ends sharing and downloading, and forgets the log-in; the agent stays. The client has the trackers revoke it. */
  logout: {
    params: nothing,
    progress: z.never(),
    /** A broker answered until then, so the trackers may be asked at once. */
    result: z.strictObject({ wasOnline: z.boolean() }),
  },
} as const

export type AgentMethod = keyof typeof agentMethods
export type AgentParams<M extends AgentMethod> = z.input<(typeof agentMethods)[M]['params']>
export type AgentResult<M extends AgentMethod> = z.output<(typeof agentMethods)[M]['result']>
export type AgentProgress<M extends AgentMethod> = z.output<(typeof agentMethods)[M]['progress']>

/** The client's line. The parameters are checked by the method's schema. */
export const agentRequestSchema = z.strictObject({ method: z.string().max(100), params: z.unknown() })

/** A line of the agent's. */
export const agentReplySchema = z.union([
  z.strictObject({ kind: z.literal('progress'), item: z.unknown() }),
  /** The first rows of a list, whose last rows are the next progress or end. */
  z.strictObject({ kind: z.literal('rows'), rows: z.array(z.unknown()) }),
  /** Alive, nothing new. */
  z.strictObject({ kind: z.literal('working') }),
  z.strictObject({ kind: z.literal('end'), ok: z.literal(true), result: z.unknown() }),
  refusalSchema.extend({ kind: z.literal('end') }),
])
export type AgentReply = z.infer<typeof agentReplySchema>
