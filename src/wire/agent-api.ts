// What the command line asks the agent of its device, over NATS on `agentSubject`. The answer is a stream on the reply
// subject: progress at least every second, then one end; silence means that the agent is gone. The asker repeats its
// request every few seconds under the same reply subject, which is the request's id, so nothing is begun twice. An asker
// that falls silent or sends `givenUpMethod` ends what runs for it alone (hashing, watching), never a download. Paths are
// absolute, since the agent has a working directory of its own.

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

/** `progress` is the schema of the items before the end; `result` of the end. */
export const agentMethods = {
  status: {
    params: nothing,
    progress: z.never(),
    result: z.strictObject({
      user: idSchema,
      device: deviceSchema,
      pid: z.number(),
      /** Where peers connect to; `nowhere` while it cannot listen, with why. */
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
    }),
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
  /** A list at every change, at most a few a second, until the asker goes away. */
  'downloads.watch': { params: nothing, progress: z.array(downloadViewSchema), result: nothing },
  /** Each trouble (as in `status`) that comes up, until the asker goes away. */
  'troubles.watch': { params: nothing, progress: z.string(), result: nothing },
  pause: { params: one, progress: z.never(), result: downloadViewSchema },
  resume: { params: one, progress: z.never(), result: downloadViewSchema },
  cancel: { params: one, progress: z.never(), result: downloadViewSchema },
  limits: { params: nothing, progress: z.never(), result: limitsSchema },
  /** Those left out stay as they are. Holds at once, for what is under way too; kept until it is changed. */
  'limits.change': { params: limitsSchema.partial(), progress: z.never(), result: limitsSchema },
  /** Pauses downloads and sharing and lets go of the session; the agent stays. The asker then revokes the credential. */
  logout: { params: nothing, progress: z.never(), result: nothing },
} as const

export type AgentMethod = keyof typeof agentMethods
export type AgentParams<M extends AgentMethod> = z.input<(typeof agentMethods)[M]['params']>
export type AgentResult<M extends AgentMethod> = z.output<(typeof agentMethods)[M]['result']>
export type AgentProgress<M extends AgentMethod> = z.output<(typeof agentMethods)[M]['progress']>

/** Not a method: the asker no longer listens at this reply subject. Never answered. */
export const givenUpMethod = 'given-up'

export const agentReplySchema = z.union([
  z.strictObject({ kind: z.literal('progress'), item: z.unknown() }),
  /** Alive, nothing new. */
  z.strictObject({ kind: z.literal('working') }),
  z.strictObject({ kind: z.literal('end'), ok: z.literal(true), result: z.unknown() }),
  refusalSchema.extend({ kind: z.literal('end') }),
])
export type AgentReply = z.infer<typeof agentReplySchema>
