// What devices ask the trackers: every method with the schemas of its parameters and its result. A request carries an id,
// so that asking twice acts once, and the highest log sequence its sender has seen, so that no tracker answers from behind
// it. A reply carries the sequence it is as of.

import * as z from 'zod'
import type { RevokedAccess } from '../domain/revocation.ts'
import {
  channelSchema,
  credentialHashSchema,
  deviceNameSchema,
  deviceRefSchema,
  deviceSchema,
  fileNameSchema,
  idSchema,
  manifestSchema,
  millisecondsSchema,
  passwordSchema,
  portSchema,
  refusalSchema,
  sequenceSchema,
  shareIdSchema,
} from './schemas.ts'

const nothing = z.strictObject({})
const inGroup = z.strictObject({ group: idSchema })
const someoneInGroup = z.strictObject({ group: idSchema, user: idSchema })
const fileInGroup = z.strictObject({ group: idSchema, name: fileNameSchema })

/** Lists come in pages, since messages are bounded; `next` is the `after` that fetches the page behind this one. */
export const page = <R extends z.ZodType, K extends z.ZodType>(row: R, after: K) =>
  z.strictObject({ rows: z.array(row), next: after.optional() })

/** A ticket as its holder gets it: see wire/ticket.ts for the identity's layout. */
const ticketSchema = z.strictObject({
  /** The TLS-PSK identity to present, base64url. */
  identity: z.string().max(128),
  /** The pre-shared key, 32 bytes in base64url. */
  key: z.string().length(43),
})

/** A device from which pieces of a share can be had: a sharer, or a downloader with some of it. */
const swarmPeerSchema = z.strictObject({
  user: idSchema,
  device: deviceSchema,
  /** Where the broker saw it connect from, and the port it listens on. */
  host: z.string().max(64),
  port: portSchema,
  complete: z.boolean(),
  ticket: ticketSchema,
})
export type SwarmPeer = z.infer<typeof swarmPeerSchema>

export const swarmSchema = z.strictObject({
  share: shareIdSchema,
  manifest: manifestSchema,
  /** Online devices only, the asking one left out. */
  peers: z.array(swarmPeerSchema),
  /** Devices that offer the whole file, online or not. */
  sharers: z.number().int().nonnegative(),
})
export type Swarm = z.infer<typeof swarmSchema>

/** What an agent needs to serve peers. */
export const agentSessionSchema = z.strictObject({
  /** From which this device derives the keys of tickets issued for it: 32 bytes in base64url. */
  ticketKey: z.string().length(43),
  /** While the cluster's secrets are rotated: tickets by these are good, too. */
  otherTicketKeys: z.array(z.string().length(43)).max(2).optional(),
})
export type AgentSession = z.infer<typeof agentSessionSchema>

const fileSchema = z.strictObject({
  name: fileNameSchema,
  size: z.number(),
  sha1: z.string(),
  pieces: z.number(),
  pieceLength: z.number(),
  /** `user` ids, each once, in the order they came. */
  sharers: z.array(idSchema),
  /** How many of the sharing devices are online. */
  online: z.number(),
})

/** One share that a device serves, and the devices that it serves it to. */
const servedShareSchema = z.strictObject({
  share: shareIdSchema,
  group: idSchema,
  name: fileNameSchema,
  /** The log has this device as a sharer of all of it; false for a download that serves what it has so far. */
  isRecorded: z.boolean(),
  holders: z.array(deviceRefSchema).max(1_000),
})
export type ServedShare = z.infer<typeof servedShareSchema>

const revokedAccessSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('membership'), user: idSchema, group: idSchema }),
  z.strictObject({ kind: z.literal('device'), user: idSchema, device: deviceSchema }),
  z.strictObject({ kind: z.literal('share'), share: shareIdSchema }),
]) satisfies z.ZodType<RevokedAccess>

interface Method {
  readonly params: z.ZodType
  readonly result: z.ZodType
  /** A write is decided, logged and answered once the tracker's own projection holds it. */
  readonly kind: 'read' | 'write'
}
const read = <P extends z.ZodType, R extends z.ZodType>(params: P, result: R) => ({
  params,
  result,
  kind: 'read' as const,
})
const write = <P extends z.ZodType>(params: P) => ({ params, result: nothing, kind: 'write' as const })

export const trackerMethods = {
  /** Ends the log-in with that credential, if it is still the present one of the asking device. */
  'device.logout': write(z.strictObject({ credentialHash: credentialHashSchema })),
  'group.create': write(inGroup.extend({ hidden: z.boolean().default(false) })),
  'group.join': write(inGroup),
  'group.leave': write(inGroup),
  'group.accept': write(someoneInGroup),
  'group.reject': write(someoneInGroup),
  'group.remove': write(someoneInGroup),
  'group.transfer': write(someoneInGroup),
  'share.add': write(z.strictObject({ group: idSchema, manifest: manifestSchema })),
  'share.remove': write(z.strictObject({ group: idSchema, name: fileNameSchema, devices: z.enum(['this', 'all']) })),
  'group.list': read(
    z.strictObject({ after: idSchema.optional() }),
    page(
      z.strictObject({
        group: idSchema,
        owner: idSchema,
        members: z.number(),
        you: z.enum(['owner', 'member', 'requested', 'none']),
        hidden: z.literal(true).optional(),
      }),
      idSchema,
    ),
  ),
  'group.requests': read(inGroup, z.array(z.strictObject({ user: idSchema, since: millisecondsSchema }))),
  'group.members': read(
    inGroup,
    z.array(z.strictObject({ user: idSchema, role: z.enum(['owner', 'member']), since: millisecondsSchema })),
  ),
  'group.files': read(inGroup.extend({ after: fileNameSchema.optional() }), page(fileSchema, fileNameSchema)),
  'swarm.locate': read(fileInGroup, swarmSchema),
  /** The asking user's devices that are logged in. */
  'device.list': read(
    nothing,
    z.array(
      z.strictObject({
        device: deviceSchema,
        /** The host name of its machine when it logged in. */
        name: deviceNameSchema,
        /** Logged in since, ms since 1970. */
        since: millisecondsSchema,
        /** Last known to be in use, ms since 1970: see actors/tracker/device-queries.ts for how exact that is. */
        seen: millisecondsSchema,
        online: z.boolean(),
      }),
    ),
  ),
  /** Has a device told that this one wants to reach it by the relay, on that channel (wire/introduction.ts). */
  'swarm.introduce': read(
    z.strictObject({
      to: deviceRefSchema,
      /** Of a ticket for that device. */
      identity: ticketSchema.shape.identity,
      channel: channelSchema,
      proof: z.string().length(43),
    }),
    nothing,
  ),
  'agent.session': read(nothing, agentSessionSchema),
  /** What the log has this device as a sharer of. */
  'agent.shares': read(
    z.strictObject({ after: fileInGroup.optional() }),
    page(fileInGroup.extend({ share: shareIdSchema }), fileInGroup),
  ),
  /** Which access to the shares that a device serves was revoked. Asked regularly, since a notice may be lost. */
  'serving.recheck': read(
    z.strictObject({ shares: z.array(servedShareSchema).max(1_000) }),
    /** As of that position of the log. */
    z.strictObject({ seq: sequenceSchema, epoch: sequenceSchema.optional(), withdrawn: z.array(revokedAccessSchema) }),
  ),
} satisfies Record<string, Method>

export type TrackerMethod = keyof typeof trackerMethods
export type TrackerParams<M extends TrackerMethod> = z.input<(typeof trackerMethods)[M]['params']>
export type TrackerResult<M extends TrackerMethod> = z.output<(typeof trackerMethods)[M]['result']>
export type PagedMethod = 'group.list' | 'group.files' | 'agent.shares'
export type Row<M extends PagedMethod> = TrackerResult<M>['rows'][number]

const requestId = z.uuid()

/** What is published on `apiSubject(by, kind, method)`. */
export const trackerRequestSchema = z.strictObject({
  id: requestId,
  seen: sequenceSchema,
  /** Of the log that `seen` is of; absent until the sender has heard of one. */
  epoch: sequenceSchema.optional(),
  params: z.unknown(),
})

/** On `signUpSubject(host)`, by a guest; the reply's result is empty. */
export const signUpSchema = z.strictObject({ id: requestId, user: z.string().max(20_000), password: passwordSchema })

export const trackerReplySchema = z.union([
  z.object({ ok: z.literal(true), seq: sequenceSchema, epoch: sequenceSchema.optional(), result: z.unknown() }),
  refusalSchema.extend({ seq: sequenceSchema, epoch: sequenceSchema.optional() }),
])
export type TrackerReply = z.infer<typeof trackerReplySchema>

/** For a write that another copy of the request may have begun: a tracker's `no-quorum` is certain for that tracker alone. */
export const mayYetTakeEffect =
  'too few brokers answer to record this; it may yet take effect, so check before you repeat it'
