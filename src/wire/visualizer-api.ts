// What the visualizer's page gets from the server that it was loaded from, and the form of a recording. docs/adr/0015
// explains each route and what the page does with it.

import * as z from 'zod'

/** GET /api/config */
export const visualizerConfigSchema = z.strictObject({
  mode: z.enum(['live', 'replay']),
  version: z.string(),
  /** Null: the operator, who sees every device. */
  you: z.strictObject({ user: z.string(), device: z.string() }).nullable(),
  /** Null when `mode` is replay. */
  watch: z
    .strictObject({
      /** WebSocket addresses to try: brokers', or this server's proxy to them. */
      servers: z.array(z.string()),
      /** For NATS's CONNECT. It may subscribe to `subjects` and to nothing else, and publish nothing. */
      user: z.string(),
      pass: z.string(),
      /** ms since 1970. Brokers disconnect it then; GET /api/config returns a new login. */
      expiresAt: z.number(),
      subjects: z.array(z.string()),
    })
    .nullable(),
  /** Commands to try, shown while there is nothing else to show. */
  hints: z.array(z.strictObject({ about: z.string(), command: z.string() })),
})
export type VisualizerConfig = z.infer<typeof visualizerConfigSchema>

const brokerSchema = z.strictObject({
  name: z.string(),
  state: z.enum(['running', 'unready', 'stopped', 'unknown']),
  leader: z.boolean(),
  address: z.string().nullable(),
  uptimeSeconds: z.number().nullable(),
  /** Log entries that it is behind the leader; null: not known. */
  lag: z.number().nullable(),
  connections: z.number().nullable(),
  /** Messages and bytes a second, in and out, since the last sample. */
  messagesPerSecond: z.number().nullable(),
  bytesPerSecond: z.number().nullable(),
  memoryBytes: z.number().nullable(),
})

const trackerSchema = z.strictObject({
  name: z.string(),
  state: z.enum(['running', 'silent']),
  seq: z.number(),
  digest: z.string(),
  /** Among trackers of the same sequence; null: none is at that sequence. */
  isEqual: z.boolean().nullable(),
  /** Behind the furthest tracker. */
  lag: z.number(),
  uptimeSeconds: z.number(),
  /** Since the previous sample. */
  requestsPerSecond: z.number().nullable(),
  /** Devices it takes for online: the viewer's own, or for the operator all. */
  online: z.number().nullable(),
})

const deviceSchema = z.strictObject({ user: z.string(), device: z.string(), isYou: z.boolean(), fetching: z.number() })

const groupSchema = z.strictObject({
  group: z.string(),
  owner: z.string(),
  members: z.number(),
  /** Owner, member, requested; the operator is none of them. */
  you: z.string(),
  files: z.number().nullable(),
})

/** The cluster as the viewer may see it. What could not be asked is null. */
export const clusterViewSchema = z.strictObject({
  at: z.number(),
  /** Whether this server has a connection to a broker. */
  isConnected: z.boolean(),
  /** Null: this home does not hold the cluster, so the brokers' monitoring is out of reach. */
  brokers: z.array(brokerSchema).nullable(),
  trackers: z.array(trackerSchema),
  /** The viewer's, or for the operator all. Null: no tracker answered. */
  devices: z.array(deviceSchema).nullable(),
  groups: z.array(groupSchema).nullable(),
  /** One line for a person where something is wrong: "2 of 3 brokers: writes go on, one more lost and they stop". */
  problems: z.array(z.string()),
})
export type ClusterView = z.infer<typeof clusterViewSchema>

/** A line of GET /api/events?watcher=HEX, which is a stream of JSON lines that never ends by itself. */
export const visualizerEventSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('cluster'), cluster: clusterViewSchema }),
  /** Agents and trackers have been told of this watcher: snapshots follow. */
  z.strictObject({ type: z.literal('watching'), watcher: z.string() }),
  /** Nothing new. After `visualizerTunables.silentAfterMs` without anything, the server is gone. */
  z.strictObject({ type: z.literal('alive') }),
])
export type VisualizerEvent = z.infer<typeof visualizerEventSchema>

/**
 * A recording is JSON lines: the first is its head, every other one what the page got, as it got it. `ms` counts from
 * the head's `startedAt` and never goes back.
 */
export const recordingHeadSchema = z.strictObject({
  shoalRecording: z.literal(1),
  startedAt: z.number(),
  version: z.string(),
  you: visualizerConfigSchema.shape.you,
})
export const recordingLineSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('message'),
    ms: z.number().nonnegative(),
    subject: z.string(),
    message: z.unknown(),
  }),
  z.strictObject({ type: z.literal('event'), ms: z.number().nonnegative(), event: visualizerEventSchema }),
])
export type RecordingHead = z.infer<typeof recordingHeadSchema>
